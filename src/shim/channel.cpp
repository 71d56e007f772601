// See channel.h.
#include "shim/channel.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/unix_socket.h"
#include "shim/rpc_status.h"
#include "shim/ttrpc.pb.h"

namespace brig::shim {

bool Channel::send(std::string_view service, std::string_view method, std::string payload,
                   bool stream) {
    ttrpc::Request request;
    request.set_service(std::string(service));
    request.set_method(std::string(method));
    request.set_payload(std::move(payload));
    stream_ += 2;
    const std::uint8_t flags = stream ? remote_closed : 0;
    const std::string bytes =
        encode({stream_, FrameType::request, flags, request.SerializeAsString()});
    std::string_view rest = bytes;
    while (!rest.empty()) {
        const ssize_t n = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && rest.size() == bytes.size() && (errno == EPIPE || errno == ECONNRESET))
            return false;
        if (n < 0) throw Error(ErrorKind::unavailable, "brig-shim went away");
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

std::string Channel::receive(bool exact) {
    std::array<char, 16384> buffer;
    for (;;) {
        while (auto frame = reader_.next()) {
            if (frame->stream != stream_) continue;
            if (frame->type == FrameType::data) return std::move(frame->data);
            ttrpc::Response response;
            if (frame->type != FrameType::response || !response.ParseFromString(frame->data)) {
                throw Error(ErrorKind::internal, "malformed ttrpc response");
            }
            const auto& status = response.status();
            if (status.code() != 0)
                throw Error(from_code(status.code()), std::string(status.message()));
            return std::move(*response.mutable_payload());
        }
        const std::size_t wanted =
            exact ? std::min(reader_.missing(), buffer.size()) : buffer.size();
        const ssize_t n = ::recv(socket_.get(), buffer.data(), wanted, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) throw Error(ErrorKind::unavailable, "brig-shim went away");
        reader_.feed({buffer.data(), static_cast<std::size_t>(n)});
    }
}

}  // namespace brig::shim
