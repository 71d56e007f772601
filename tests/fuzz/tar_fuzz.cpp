// Unpacks arbitrary bytes as a layer, in both forms: nothing but an Error may come of it, and a
// canary beside the root stays as it is.
#include <fcntl.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "archive/layer.h"
#include "base/error.h"
#include "base/file.h"

using namespace brig;

static void unpack(std::string_view bytes, const std::filesystem::path& root,
                   archive::LayerForm form) {
    std::filesystem::create_directories(root);
    archive::LayerTree tree{
        .root = open_file(root.string(), O_RDONLY | O_DIRECTORY), .lowers = {}, .form = form};
    try {
        archive::apply_tar(*archive::decompress(archive::from_memory(bytes)), tree,
                           {.limits = {.entries = 1000, .bytes = 1U << 20U}});
        archive::write_layer(tree, [](std::span<const std::byte>) {});
    } catch (const Error&) {
        // The only way to refuse.
    }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const TempDir work("/dev/shm", "brig-fuzz");
    write_file_atomic(work.path() / "canary", "unharmed", 0644, Durability::rebuildable);
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    unpack(bytes, work.path() / "overlay", archive::LayerForm::overlay);
    unpack(bytes, work.path() / "full", archive::LayerForm::full);
    if (read_file(work.path() / "canary") != "unharmed") std::abort();
    return 0;
}
