// See http.h.
#include "registry/http.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <mutex>

#include "base/strings.h"
#include "registry/curl.h"
#include "registry/proxy.h"
#include "registry/ssh.h"

namespace brig::registry {
namespace {

constexpr std::size_t max_header_bytes = 256U << 10U;

struct FreeEasy {
    void operator()(CURL* handle) const { curl().easy_cleanup(handle); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;

struct FreeList {
    void operator()(curl_slist* list) const { curl().slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

bool has_control_characters(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

HeaderList header_list(const HttpRequest& request) {
    // Without "Expect" curl does not wait for a 100 that some servers never send.
    HeaderList list(curl().slist_append(nullptr, "Expect:"));
    const auto add = [&](const std::string& line) {
        list.reset(curl().slist_append(list.release(), line.c_str()));
    };
    if (request.body.empty()) add("Content-Type:");
    for (const auto& [name, value] : request.headers) {
        if (has_control_characters(name) || has_control_characters(value)) {
            throw Error(ErrorKind::invalid_argument, "header {} has control characters in it",
                        name.substr(0, 40));
        }
        add(name + ": " + value);
    }
    return list;
}

/// One request on its way: what libcurl calls back into.
class Transfer {
public:
    Transfer(CURL* handle, SshLine* line, const HttpRequest& request, const BodySink& sink,
             const Cancelled& cancelled)
        : handle_(handle), line_(line), request_(request), sink_(sink), cancelled_(cancelled) {
        if (request.file) offset_ = request.file->offset;
    }

    template <typename Value>
    void set(CURLoption option, Value value) {
        if (const auto code = curl().easy_setopt(handle_, option, value); code != CURLE_OK) {
            throw Error(ErrorKind::internal, "libcurl refuses option {}: {}",
                        static_cast<int>(option), curl().easy_strerror(code));
        }
    }

    void prepare(const Settings& settings, const Tls& tls) {
        set(CURLOPT_URL, request_.url.text.c_str());
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_FOLLOWLOCATION, 0L);
        set(CURLOPT_USERAGENT, settings.user_agent.c_str());
        set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(settings.connect_timeout.count()));
        set(CURLOPT_LOW_SPEED_LIMIT, 1L);
        set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(settings.stall_timeout.count()));
        set(CURLOPT_BUFFERSIZE, 256L << 10U);
        set(CURLOPT_ERRORBUFFER, error_text_);
        set_trust(tls);
        set_way(settings);
        set_callbacks();
        set_method();
    }

    HttpHead run() {
        const CURLcode code = curl().easy_perform(handle_);
        if (failure_) std::rethrow_exception(failure_);
        if (code != CURLE_OK) fail(code);
        return std::move(head_);
    }

private:
    void set_trust(const Tls& tls) {
        set(CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
        set(CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
        if (!tls.authorities.empty()) set(CURLOPT_CAINFO, tls.authorities.c_str());
        anonymous_ = tls.certificate.empty();
        if (!anonymous_) {
            set(CURLOPT_SSLCERT, tls.certificate.c_str());
            set(CURLOPT_SSLKEY, tls.key.c_str());
        }
    }

    /// Said in any case, or libcurl asks the environment by rules of its own.
    void set_way(const Settings& settings) {
        set(CURLOPT_NOPROXY, "");
        set(CURLOPT_PROXY,
            (line_ != nullptr ? "" : proxy_for(request_.url, settings.proxies)).c_str());
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        if (line_ != nullptr) set(CURLOPT_UNIX_SOCKET_PATH, line_->path().c_str());
    }

    void set_callbacks() {
        set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
        set(CURLOPT_HEADERDATA, this);
        set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
        set(CURLOPT_WRITEDATA, this);
        set(CURLOPT_NOPROGRESS, 0L);
        set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
        set(CURLOPT_XFERINFODATA, this);
    }

    void set_method() {
        headers_ = header_list(request_);
        set(CURLOPT_HTTPHEADER, headers_.get());
        if (request_.method == "HEAD") return set(CURLOPT_NOBODY, 1L);
        if (request_.file) {
            set(CURLOPT_UPLOAD, 1L);
            set(CURLOPT_READFUNCTION, &Transfer::on_read);
            set(CURLOPT_READDATA, this);
            set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_.file->size));
        } else if (request_.method != "GET") {
            set(CURLOPT_POSTFIELDS, request_.body.data());
            set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
        }
        set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    }

    [[noreturn]] void fail(CURLcode code) const {
        const std::string text =
            fmt::format("{} {:?}: {}", request_.method, request_.url.text,
                        error_text_[0] != '\0' ? error_text_ : curl().easy_strerror(code));
        using enum TransportError::Kind;
        // ssh knows better why there was no answer.
        if (line_ != nullptr && code != CURLE_ABORTED_BY_CALLBACK) {
            if (const auto failure = line_->failure()) throw TransportError(connect, *failure);
        }
        // A proxy that refuses will do so again.
        long proxy_said = 0;
        curl().easy_getinfo(handle_, CURLINFO_HTTP_CONNECTCODE, &proxy_said);
        if (proxy_said >= 400 && proxy_said < 500) throw TransportError(connect, text);
        switch (code) {
            case CURLE_ABORTED_BY_CALLBACK:
                throw Error(ErrorKind::cancelled, "{} {:?}: cancelled", request_.method,
                            request_.url.text);
            case CURLE_COULDNT_RESOLVE_HOST:
            case CURLE_COULDNT_RESOLVE_PROXY:
            case CURLE_COULDNT_CONNECT: throw TransportError(connect, text);
            case CURLE_SSL_CONNECT_ERROR:
            case CURLE_PEER_FAILED_VERIFICATION:
            case CURLE_SSL_CERTPROBLEM:
            case CURLE_SSL_CACERT_BADFILE: throw TransportError(tls, text);
            case CURLE_OPERATION_TIMEDOUT: throw TransportError(cut, text);
            default: throw TransportError(cut, text + advice());
        }
    }

    /// TLS 1.3 lets a server that wants a certificate hang up before it can say so.
    [[nodiscard]] const char* advice() const {
        const bool unanswered = request_.url.scheme == "https" && head_.status == 0;
        return unanswered && anonymous_ ? " (it may want a client's certificate, from certs.d)"
                                        : "";
    }

    /// Runs a callback's work; an exception must not cross libcurl's frames.
    template <typename Work>
    std::size_t guarded(std::size_t on_success, std::size_t on_failure, Work work) {
        try {
            work();
            return on_success;
        } catch (...) {
            failure_ = std::current_exception();
            return on_failure;
        }
    }

    void add_header(std::string_view line) {
        header_bytes_ += line.size();
        if (header_bytes_ > max_header_bytes) {
            throw Error(ErrorKind::invalid_argument, "{} {:?}: more than {} bytes of headers",
                        request_.method, request_.url.text, max_header_bytes);
        }
        if (line.starts_with("HTTP/")) {
            head_ = {};
            long status = 0;
            curl().easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
            head_.status = static_cast<int>(status);
            return;
        }
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) return;
        head_.headers.emplace(to_lower(trim(line.substr(0, colon))), trim(line.substr(colon + 1)));
    }

    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) {
        auto& transfer = *static_cast<Transfer*>(self);
        const std::size_t bytes = size * count;
        return transfer.guarded(bytes, 0, [&] { transfer.add_header({data, bytes}); });
    }

    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) {
        auto& transfer = *static_cast<Transfer*>(self);
        const std::size_t bytes = size * count;
        return transfer.guarded(bytes, bytes + 1, [&] {
            transfer.sink_(transfer.head_, std::as_bytes(std::span(data, bytes)));
        });
    }

    static std::size_t on_read(char* data, std::size_t size, std::size_t count, void* self) {
        auto& transfer = *static_cast<Transfer*>(self);
        const auto& file = *transfer.request_.file;
        const std::uint64_t left = file.offset + file.size - transfer.offset_;
        const std::size_t wanted = std::min<std::uint64_t>(size * count, left);
        std::size_t got = 0;
        return transfer.guarded(0, CURL_READFUNC_ABORT,
                                [&] {
                                    const ssize_t n = ::pread(file.fd, data, wanted,
                                                              static_cast<off_t>(transfer.offset_));
                                    if (n < 0) throw SysError("read a blob to upload");
                                    got = static_cast<std::size_t>(n);
                                    transfer.offset_ += got;
                                    if (transfer.request_.on_sent)
                                        transfer.request_.on_sent(transfer.offset_);
                                }) == 0
                   ? got
                   : CURL_READFUNC_ABORT;
    }

    static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
        const auto& transfer = *static_cast<Transfer*>(self);
        return transfer.cancelled_ && transfer.cancelled_() ? 1 : 0;
    }

    CURL* handle_;
    SshLine* line_;
    const HttpRequest& request_;
    const BodySink& sink_;
    const Cancelled& cancelled_;
    HeaderList headers_;
    HttpHead head_;
    bool anonymous_ = true;  ///< we show no certificate
    std::size_t header_bytes_ = 0;
    std::uint64_t offset_ = 0;
    std::exception_ptr failure_;
    char error_text_[CURL_ERROR_SIZE] = {};
};

}  // namespace

std::string HttpHead::header(std::string_view lower_case_name) const {
    const auto found = headers.find(std::string(lower_case_name));
    return found == headers.end() ? std::string() : found->second;
}

/// A handle, with the connections that it has open.
struct Http::Handle {
    std::unique_ptr<SshLine> line;  // outlives what it has opened
    Easy easy;
};

/// Those that are idle.
class Http::Handles {
public:
    std::optional<Handle> take() {
        const std::scoped_lock lock(mutex_);
        if (idle_.empty()) return std::nullopt;
        Handle handle = std::move(idle_.back());
        idle_.pop_back();
        return handle;
    }
    void give_back(Handle handle) {
        curl().easy_reset(handle.easy.get());
        const std::scoped_lock lock(mutex_);
        idle_.push_back(std::move(handle));
    }

private:
    std::mutex mutex_;
    std::vector<Handle> idle_;
};

Http::Http(const Settings& settings, std::optional<oci::SshAddress> ssh)
    : settings_(settings), ssh_(std::move(ssh)), handles_(std::make_unique<Handles>()) {}
Http::~Http() = default;

Http::Handle Http::handle() {
    if (auto idle = handles_->take()) return std::move(*idle);
    Handle out;
    out.easy.reset(curl().easy_init());
    if (!out.easy) throw std::bad_alloc();
    if (ssh_) out.line = std::make_unique<SshLine>(settings_.ssh_command, *ssh_);
    return out;
}

HttpHead Http::send(const HttpRequest& request, const Tls& tls, const BodySink& sink,
                    const Cancelled& cancelled) {
    Handle used = handle();
    Transfer transfer(used.easy.get(), used.line.get(), request, sink, cancelled);
    transfer.prepare(settings_, tls);
    HttpHead head = transfer.run();
    // One that failed goes, with its connections.
    handles_->give_back(std::move(used));
    return head;
}

}  // namespace brig::registry
