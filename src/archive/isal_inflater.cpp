// See gzip_inflater.h. The library is opened at the first layer, never closed, and not needed: an
// engine at rest does without its pages, and a host without it.
#include "archive/gzip_inflater.h"

#if __has_include(<isa-l/igzip_lib.h>)
#include <dlfcn.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace brig::archive {
namespace {

struct Library {
    decltype(&::isal_inflate_init) init = nullptr;
    decltype(&::isal_inflate_reset) reset = nullptr;
    decltype(&::isal_inflate) inflate = nullptr;

    [[nodiscard]] bool whole() const { return init && reset && inflate; }
};

/// The version whose structures we were compiled with.
Library open_library() {
    void* handle = ::dlopen("libisal.so.2", RTLD_NOW | RTLD_LOCAL);
    Library out;
    if (handle == nullptr) return out;
    const auto find = [&]<typename Function>(const char* name, Function*& function) {
        function = reinterpret_cast<Function*>(::dlsym(handle, name));
    };
    find("isal_inflate_init", out.init);
    find("isal_inflate_reset", out.reset);
    find("isal_inflate", out.inflate);
    return out;
}

std::uint32_t bounded(std::size_t size) {
    return static_cast<std::uint32_t>(
        std::min<std::size_t>(size, std::numeric_limits<std::uint32_t>::max()));
}

class IsalInflater : public GzipInflater {
public:
    explicit IsalInflater(const Library& library) : library_(library) {
        library_.init(state_.get());
        state_->crc_flag = ISAL_GZIP;  // headers and checksums are its work
    }

    Progress run(std::span<const std::byte> in, std::span<std::byte> out) override {
        state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(in.data()));
        state_->avail_in = bounded(in.size());
        state_->next_out = reinterpret_cast<std::uint8_t*>(out.data());
        state_->avail_out = bounded(out.size());
        const int result = library_.inflate(state_.get());
        if (result < 0 || result == ISAL_NEED_DICT) {
            throw Error(ErrorKind::invalid_argument, "gzip stream is damaged: {}",
                        result == ISAL_INCORRECT_CHECKSUM ? "wrong checksum" : "bad data");
        }
        const Progress done{bounded(in.size()) - state_->avail_in,
                            bounded(out.size()) - state_->avail_out,
                            state_->block_state == ISAL_BLOCK_FINISH};
        if (done.member_ended) {
            library_.reset(state_.get());
            state_->crc_flag = ISAL_GZIP;
        }
        return done;
    }

private:
    const Library& library_;
    std::unique_ptr<inflate_state> state_ = std::make_unique<inflate_state>();
};

}  // namespace

std::unique_ptr<GzipInflater> make_isal_inflater() {
    static const Library library = open_library();
    if (!library.whole()) return nullptr;
    return std::make_unique<IsalInflater>(library);
}

}  // namespace brig::archive

#else

namespace brig::archive {

std::unique_ptr<GzipInflater> make_isal_inflater() { return nullptr; }

}  // namespace brig::archive

#endif
