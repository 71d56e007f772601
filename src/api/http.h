// The names of the HTTP layer that every endpoint uses.
#pragma once

#include "http/message.h"
#include "http/router.h"

namespace brig::api {

using http::BodyMode;
using http::Handler;
using http::parse_target;
using http::Reply;
using http::Request;
using http::Route;
using http::Router;
using http::Service;
using http::Upgrade;

}  // namespace brig::api
