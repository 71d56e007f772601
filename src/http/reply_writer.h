// Replies on their way to a client: texts, files, streams.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "http/message.h"
#include "http/relay.h"

namespace brig::http {

/// Every function is true when the reply was sent whole and the connection can go on.
class ReplyWriter {
public:
    explicit ReplyWriter(Socket& socket) : socket_(socket) {}

    // Of the request that is being answered.
    bool keep_alive = false;
    bool http11 = false;

    boost::asio::awaitable<bool> text(Reply reply, bool head_only);
    boost::asio::awaitable<bool> file(const Reply& reply, bool head_only);
    /// What `source` yields until its end; the caller closes it.
    boost::asio::awaitable<bool> stream(const Reply& reply, Descriptor& source);

private:
    boost::asio::awaitable<bool> copy_file(const FileBody& body);
    boost::asio::awaitable<bool> copy_out(Descriptor& source);

    Socket& socket_;
};

}  // namespace brig::http
