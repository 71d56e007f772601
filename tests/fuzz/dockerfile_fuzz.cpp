// Dockerfiles from anybody: parse, and evaluate every word, without a crash or a hang.
// clang++ -fsanitize=fuzzer,address,undefined; see CONTRIBUTING.md.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "build/dockerfile.h"
#include "build/words.h"
#include "oci/ignore.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace brig;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const build::Lookup lookup = [](std::string_view name) -> std::optional<std::string> {
        return name.size() % 2 == 0 ? std::optional(std::string(name)) : std::nullopt;
    };
    try {
        const auto file = build::Dockerfile::parse(text);
        for (const auto& stage : file.stages) {
            for (const auto& instruction : stage.instructions) {
                for (const auto& arg : instruction.args)
                    build::expand_to_words(arg, file.escape, lookup);
            }
        }
    } catch (const Error&) {
    }
    try {
        static_cast<void>(oci::IgnorePatterns::parse(text).excludes("some/path/in/a.context"));
    } catch (const Error&) {
    }
    return 0;
}
