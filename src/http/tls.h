// TLS in front of a connection: what is decrypted goes through a socket pair to an ordinary
// connection, so that nothing else knows of it. The only users of OpenSSL's TLS.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "http/connection.h"

namespace brig::http {

class TlsContext;

/// Throws Error{invalid_argument} naming the file that cannot be used.
std::shared_ptr<TlsContext> load_tls(const TlsFiles& files);

boost::asio::awaitable<void> serve_tls(Socket socket, std::shared_ptr<TlsContext> tls,
                                       Shared& shared);

}  // namespace brig::http
