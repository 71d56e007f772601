// See send_descriptor.h.
#include "runtime/cli/send_descriptor.h"

#include "base/error.h"
#include "base/unix_socket.h"

namespace brig::runtime {

void send_descriptor(const std::string& socket_path, const std::string& name,
                     const Fd& descriptor) {
    const Fd socket = connect_unix(socket_path);
    if (!send_message(socket.get(), name, descriptor.get()))
        throw SysError("send to socket {}", socket_path);
}

}  // namespace brig::runtime
