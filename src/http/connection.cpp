// The only user of Beast's parser. Replies are written in reply_writer.cpp.
#include "http/connection.h"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "http/reply_writer.h"
#include "http/wire.h"

namespace brig::http {
namespace asio = boost::asio;
namespace beast = boost::beast::http;
namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kept_buffer = 16U << 10U;  // of an idle connection
constexpr std::size_t read_size = 64U << 10U;    // Beast reads what its buffer has room for

using HeadParser = beast::request_parser<beast::empty_body>;
using StreamParser = beast::request_parser<beast::buffer_body>;
using TextParser = beast::request_parser<beast::string_body>;

Rejected rejection(const boost::system::error_code& error) {
    if (error == beast::error::header_limit || error == beast::error::buffer_overflow) {
        return {431, "request header is too large"};
    }
    if (error == beast::error::body_limit) return {413, "request body is too large"};
    return {400, "malformed HTTP request: " + to_lower(error.message())};
}

Request to_request(const HeadParser& parser) {
    const auto& head = parser.get();
    Request request;
    request.method = head.method_string();
    parse_target(head.target(), request);
    for (const auto& field : head) {
        auto& value = request.headers[to_lower(std::string_view(field.name_string()))];
        if (!value.empty()) value += ", ";
        value += field.value();
    }
    return request;
}

/// A counted condition that coroutines of one thread wait for.
class Gate {
public:
    explicit Gate(const asio::any_io_executor& executor) : timer_(executor) {
        timer_.expires_at(std::chrono::steady_clock::time_point::max());
    }
    void open() {
        open_ = true;
        timer_.cancel();
    }
    [[nodiscard]] bool is_open() const { return open_; }
    asio::awaitable<void> wait() {
        while (!open_) co_await timer_.async_wait(quiet);
    }

private:
    asio::steady_timer timer_;
    bool open_ = false;
};

class Connection {
public:
    Connection(Socket socket, Shared& shared)
        : socket_(std::move(socket)), shared_(shared), buffer_(shared.options.header_limit) {}

    asio::awaitable<void> run() {
        for (;;) {
            const bool again = co_await serve_one();
            if (!again) break;
            if (buffer_.size() == 0 && buffer_.capacity() > kept_buffer) buffer_.shrink_to_fit();
        }
        co_await linger(socket_);
    }

private:
    /// What the two sides of one request share: reading the client and answering it.
    struct Exchange {
        explicit Exchange(const asio::any_io_executor& executor)
            : upload(executor), output(executor), reply_known(executor), reader_over(executor) {}
        std::optional<StreamParser> body;  // while the client sends one
        Descriptor upload;                 // to the handler
        Completed completed;               // what the handler is told of its end
        Descriptor output;                 // from the handler, while a streamed reply runs
        Gate reply_known;
        Gate reader_over;
        bool reader_runs = false;
        bool client_gone = false;
        bool streaming_reply = false;
        bool over = false;
    };

    /// False when the connection is over.
    asio::awaitable<bool> serve_one() {
        HeadParser head;
        head.header_limit(static_cast<std::uint32_t>(shared_.options.header_limit));
        head.body_limit(boost::none);
        const auto [error, n] = co_await beast::async_read_header(socket_, buffer_, head, quiet);
        if (error) {
            if (error.category() == make_error_code(beast::error::bad_method).category() &&
                error != beast::error::end_of_stream && error != beast::error::partial_message) {
                const auto why = rejection(error);
                co_await refuse(why);
            }
            co_return false;
        }
        std::optional<Request> request;
        std::string mistake;
        try {
            request = to_request(head);
        } catch (const Error& bad_target) {
            mistake = bad_target.message();
        }
        if (!request) {
            const Rejected why{400, mistake};
            co_await refuse(why);
            co_return false;
        }
        writer_.keep_alive = head.get().keep_alive();
        writer_.http11 = head.get().version() >= 11;
        if (shared_.service.body_mode(*request) == BodyMode::streamed) {
            co_return co_await serve_streamed(head, std::move(*request));
        }
        co_return co_await serve_buffered(head, std::move(*request));
    }

    /// Not a coroutine: see call().
    asio::awaitable<bool> refuse(const Rejected& rejected) {
        writer_.keep_alive = false;
        return writer_.text(plain_error(rejected), false);
    }

    asio::awaitable<void> continue_if_expected(const Request& request) {
        if (to_lower(request.header("expect")) != "100-continue" || buffer_.size() > 0) co_return;
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        co_await asio::async_write(socket_, asio::buffer(go_on), quiet);
    }

    asio::awaitable<bool> serve_buffered(HeadParser& head, Request request) {
        const auto length = head.content_length();
        if (length && *length > shared_.options.body_limit) {
            const Rejected why{413, "request body is too large"};
            co_await refuse(why);
            co_return false;
        }
        if (!head.is_done()) {
            co_await continue_if_expected(request);
            if (!length || *length > buffer_.capacity()) buffer_.reserve(read_size);
            TextParser parser(std::move(head));
            parser.body_limit(shared_.options.body_limit);
            const auto [error, n] = co_await beast::async_read(socket_, buffer_, parser, quiet);
            if (error) {
                const auto why = rejection(error);
                co_await refuse(why);
                co_return false;
            }
            request.body = std::move(parser.get().body());
        }
        Exchange exchange(socket_.get_executor());
        co_return co_await answer(std::move(request), exchange);
    }

    asio::awaitable<bool> serve_streamed(HeadParser& head, Request request) {
        co_await continue_if_expected(request);
        auto pair = make_socket_pair();
        Exchange exchange(socket_.get_executor());
        exchange.completed = std::make_shared<std::atomic<bool>>(false);
        request.body_stream = BodyStream(std::move(pair.first), exchange.completed);
        exchange.upload = adopt(socket_.get_executor(), std::move(pair.second));
        exchange.body.emplace(std::move(head));
        exchange.body->body_limit(boost::none);
        co_return co_await answer(std::move(request), exchange);
    }

    /// Hands the request to a handler and sends what it replies, while the client's side is read.
    asio::awaitable<bool> answer(Request request, Exchange& exchange) {
        const bool head_only = request.method == "HEAD";
        const bool upgrade = request.wants_upgrade();
        if (exchange.body) spawn_reader(exchange);
        Reply reply = co_await call(std::move(request));
        exchange.streaming_reply = std::holds_alternative<Fd>(reply.body);
        exchange.reply_known.open();
        if (auto* hijack = std::get_if<Upgrade>(&reply.body)) {
            co_await finish(exchange);
            co_return co_await take_over(reply, std::move(*hijack), upgrade);
        }
        bool usable = false;
        if (auto* stream = std::get_if<Fd>(&reply.body)) {
            Fd source = std::move(*stream);
            usable = co_await reply_stream(reply, std::move(source), exchange);
        } else if (std::holds_alternative<FileBody>(reply.body)) {
            usable = co_await writer_.file(reply, head_only);
        } else {
            usable = co_await writer_.text(std::move(reply), head_only);
        }
        co_await finish(exchange);
        co_return usable&& writer_.keep_alive && !exchange.client_gone;
    }

    void spawn_reader(Exchange& exchange) {
        exchange.reader_runs = true;
        asio::co_spawn(socket_.get_executor(), read_side(exchange),
                       [&exchange](const std::exception_ptr&) { exchange.reader_over.open(); });
    }

    /// Lets the reader end: a client may still be sending a body that nobody wants, and gets a
    /// while to do so; watching for its going away is cut short.
    asio::awaitable<void> finish(Exchange& exchange) {
        exchange.over = true;
        if (!exchange.reader_runs || exchange.reader_over.is_open()) co_return;
        boost::system::error_code ignored;
        if (!exchange.body) socket_.cancel(ignored);
        asio::steady_timer deadline(socket_.get_executor(), std::chrono::seconds(10));
        const auto waiting = std::make_shared<bool>(true);
        deadline.async_wait([this, waiting](boost::system::error_code cancelled) {
            boost::system::error_code nothing;
            if (!cancelled && *waiting) socket_.close(nothing);
        });
        co_await exchange.reader_over.wait();
        *waiting = false;
    }

    /// The client's side of an exchange: its body, then, while a reply streams, whether it is still
    /// there.
    asio::awaitable<void> read_side(Exchange& exchange) {
        if (exchange.body) {
            exchange.client_gone = !co_await pump_body(exchange);
            exchange.body.reset();
        }
        co_await exchange.reply_known.wait();
        if (exchange.streaming_reply && !exchange.client_gone && !exchange.over) {
            exchange.client_gone = co_await wait_gone(socket_);
        }
        boost::system::error_code ignored;
        if (exchange.client_gone) exchange.output.close(ignored);
    }

    /// False when the client broke off. A handler that does not want (more of) the body closes its
    /// end; the rest is then read and dropped.
    asio::awaitable<bool> pump_body(Exchange& exchange) {
        TransferBuffer buffer;
        buffer_.reserve(read_size);
        boost::system::error_code ignored;
        auto& parser = *exchange.body;
        while (!parser.is_done()) {
            parser.get().body().data = buffer.data();
            parser.get().body().size = buffer.size();
            const auto [error, n] =
                co_await beast::async_read_some(socket_, buffer_, parser, quiet);
            if (error && error != beast::error::need_buffer) {
                exchange.upload.close(ignored);
                co_return false;
            }
            const auto count = buffer.size() - parser.get().body().size;
            if (count > 0 && exchange.upload.is_open()) {
                const auto [failed, sent] = co_await asio::async_write(
                    exchange.upload, asio::buffer(buffer.data(), count), quiet);
                if (failed) exchange.upload.close(ignored);
            }
            buffer.used(count);
        }
        *exchange.completed = true;
        exchange.upload.close(ignored);
        co_return true;
    }

    /// Runs the handler on the pool. Not a coroutine itself, and nothing with a destructor is made
    /// inside a co_await expression anywhere here: GCC 12 destroys such temporaries twice.
    asio::awaitable<Reply> call(Request request) {
        auto job = std::make_shared<Request>(std::move(request));
        return on_pool<Reply>([this, job] { return handle(std::move(*job)); });
    }

    template <typename Result>
    asio::awaitable<Result> on_pool(std::function<Result()> work) {
        return asio::async_initiate<decltype(asio::use_awaitable), void(Result)>(
            [this, work = std::move(work)](auto handler) {
                auto done = std::make_shared<decltype(handler)>(std::move(handler));
                shared_.handlers.submit([this, work, done] {
                    auto result = std::make_shared<Result>(work());
                    asio::post(socket_.get_executor(),
                               [done, result] { std::move (*done)(std::move(*result)); });
                });
            },
            asio::use_awaitable);
    }

    Reply handle(Request request) {
        try {
            return shared_.service.handle(std::move(request));
        } catch (...) {
            log::error("request failed: {}", describe(std::current_exception()));
            return plain_error({500, "internal error"});
        }
    }

    /// True when the reply was sent whole and the connection can go on.
    asio::awaitable<bool> reply_stream(const Reply& reply, Fd source, Exchange& exchange) {
        exchange.output = adopt(socket_.get_executor(), std::move(source));
        if (!exchange.reader_runs) spawn_reader(exchange);
        const bool whole = co_await writer_.stream(reply, exchange.output);
        boost::system::error_code ignored;
        exchange.output.close(ignored);
        co_return whole;
    }

    asio::awaitable<bool> take_over(const Reply& reply, Upgrade hijack, bool upgrade) {
        const auto head = hijack_head(reply, hijack, upgrade);
        const auto [error, n] = co_await asio::async_write(socket_, asio::buffer(head), quiet);
        if (error) co_return false;
        std::string pending(static_cast<const char*>(buffer_.data().data()), buffer_.size());
        buffer_.clear();
        buffer_.shrink_to_fit();
        if (hijack.open) hijack.stream = co_await on_pool<Fd>(hijack.open);
        if (hijack.stream) co_await relay(socket_, std::move(pending), std::move(hijack.stream));
        co_return false;
    }

    Socket socket_;
    Shared& shared_;
    boost::beast::flat_buffer buffer_;
    ReplyWriter writer_{socket_};
};

}  // namespace

asio::awaitable<void> serve(Socket socket, Shared& shared) {
    Connection connection(std::move(socket), shared);
    co_await connection.run();
}

}  // namespace brig::http
