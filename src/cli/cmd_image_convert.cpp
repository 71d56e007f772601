// image convert: an image's layers in another compression.
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/registry_commands.h"

namespace brig::cli {

int image_convert(Invocation& in) {
    bool zstd = false, gzip = false, plain = false, oci = false;
    std::optional<std::int64_t> level;
    in.flags.toggle("gzip", gzip, "Compress layers with gzip, which every client reads");
    in.flags.toggle("zstd", zstd, "Compress layers with zstd: smaller and faster; OCI media types");
    in.flags.toggle("uncompressed", plain, "Leave layers uncompressed");
    in.flags.toggle("uncompress", plain, "nerdctl's word for it").hide();
    in.flags.toggle("oci", oci, "Turn docker's media types into OCI's");
    in.flags.number("level", level, "Level of compression: 1-9 for gzip, 1-22 for zstd");
    const auto words = in.parse();
    if (zstd + gzip + plain > 1)
        throw Failure(1, "only one of --gzip, --zstd and --uncompressed can be given");
    if (zstd + gzip + plain + oci == 0)
        throw Failure(1, "nothing to convert to: give --gzip, --zstd, --uncompressed or --oci");
    if (level && !zstd && !gzip) throw Failure(1, "--level needs --gzip or --zstd");
    client::Query query;
    query.add("target", words[1]).flag("oci", oci);
    if (zstd + gzip + plain > 0) query.add("compression", zstd ? "zstd" : gzip ? "gzip" : "none");
    if (level) query.add("level", std::to_string(*level));
    auto exchange = in.engine().begin(
        {.method = "POST",
         .target = "/images/" + client::encode(words[0]) + "/convert" + query.str()});
    std::string digest;
    show_progress(exchange, {.to_stderr = true, .quiet = false, .on_aux = [&](const Json& aux) {
                                 digest = text_of(aux, "Digest");
                             }});
    print_line(digest);
    return 0;
}

}  // namespace brig::cli
