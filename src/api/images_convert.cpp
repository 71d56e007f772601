// POST /images/NAME/convert: Brig's own.
#include <nlohmann/json.hpp>

#include "api/images_registry.h"
#include "api/registry_params.h"
#include "api/reply.h"
#include "image/convert.h"

namespace brig::api {
namespace {

std::optional<archive::Compression> compression_param(const Request& request) {
    const auto text = request.param("compression");
    if (text.empty()) return std::nullopt;
    if (text == "gzip") return archive::Compression::gzip;
    if (text == "zstd") return archive::Compression::zstd;
    if (text == "none") return archive::Compression::none;
    throw Error(ErrorKind::invalid_argument, "unknown compression {:?}: want gzip, zstd or none",
                text);
}

}  // namespace

Reply convert_image(Context& context, Request& request) {
    image::ConvertRequest wanted{.source = request.parameter("name"),
                                 .target = oci::Reference::parse(request.param("target")),
                                 .compression = compression_param(request),
                                 .oci = request.flag("oci")};
    wanted.target = wanted.target.with_default_tag();
    if (request.has_param("level")) wanted.level = int_param(request, "level", 0);
    // What is not there is an error of the request, not of a stream that has begun.
    (void)context.engine.images().resolve(wanted.source);
    return context.streams.reply(
        "application/json", json_lines([&context, wanted](JsonLines& lines) {
            const auto image =
                image::convert(context.engine.images(), wanted,
                               [&](const auto& event) { write_event(lines, event); });
            const auto name = wanted.target.familiar();
            context.engine.events().publish(
                {"image", "tag", image.id.str(), {{"name", name}}, now()});
            lines.write({{"aux", {{"Digest", image.manifest.str()}}}});
        }));
}

}  // namespace brig::api
