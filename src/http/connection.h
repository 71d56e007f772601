// One client's connection: requests one after another, until an end, a mistake or a hijack.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/worker_pool.h"
#include "http/message.h"
#include "http/relay.h"
#include "http/server.h"

namespace brig::http {

/// What all connections of a server share.
struct Shared {
    Service& service;
    const ServerOptions& options;
    WorkerPool& handlers;
};

boost::asio::awaitable<void> serve(Socket socket, Shared& shared);

}  // namespace brig::http
