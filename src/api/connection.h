// One client's connection: requests one after another, until an end, a mistake or a hijack.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "api/http.h"
#include "api/relay.h"
#include "api/server.h"
#include "base/worker_pool.h"

namespace brig::api {

/// What all connections of a server share.
struct Shared {
    Service& service;
    const ServerOptions& options;
    WorkerPool& handlers;
};

boost::asio::awaitable<void> serve(Socket socket, Shared& shared);

}  // namespace brig::api
