// Files of containers: docker cp's two directions, export.
#include <nlohmann/json.hpp>

#include "api/body_source.h"
#include "api/context.h"
#include "api/reply.h"
#include "base/base64.h"

namespace brig::api {
namespace {

std::string path_param(const Request& request) {
    auto path = request.param("path");
    if (path.empty()) throw Error(ErrorKind::invalid_argument, "missing parameter: path");
    return path;
}

std::pair<std::string, std::string> stat_header(const std::string& stat) {
    return {"X-Docker-Container-Path-Stat", base64(stat)};
}

Reply look(Context& context, Request& request) {
    const auto stat = context.engine.archive_stat(request.parameter("id"), path_param(request));
    return {200, {stat_header(stat.dump())}, {}};
}

Reply get(Context& context, Request& request) {
    auto files = context.engine.archive_get(request.parameter("id"), path_param(request));
    auto reply = context.streams.reply("application/x-tar", std::move(files.run));
    reply.headers.push_back(stat_header(files.stat));
    return reply;
}

Reply put(Context& context, Request& request) {
    const engine::ArchivePut options{
        .no_overwrite_dir_non_dir = request.flag("noOverwriteDirNonDir"),
        .copy_owner = request.flag("copyUIDGID")};
    context.engine.archive_put(request.parameter("id"), path_param(request), options,
                               body_source(std::move(request.body_stream)));
    return {200, {}, {}};
}

Reply export_files(Context& context, Request& request) {
    return context.streams.reply("application/octet-stream",
                                 context.engine.export_files(request.parameter("id")));
}

}  // namespace

void add_archive_routes(Routes& routes) {
    routes.add("HEAD", "/containers/{id}/archive", look);
    routes.add("GET", "/containers/{id}/archive", get);
    routes.add("PUT", "/containers/{id}/archive", put, BodyMode::streamed);
    routes.add("GET", "/containers/{id}/export", export_files);
}

}  // namespace brig::api
