// See compress.h.
#include "archive/compress.h"

#include <zstd.h>

#include "base/error.h"

namespace brig::archive {
namespace {

constexpr int gzip_level = 6, max_gzip_level = 9;
constexpr int zstd_level = 3, max_zstd_level = 22;

class Gzip : public Compressor {
public:
    Gzip(Sink out, int level) : sink_(std::move(out), level) {}
    void write(std::span<const std::byte> data) override { sink_.write(data); }
    void finish() override { sink_.finish(); }

private:
    GzipSink sink_;
};

class Zstd : public Compressor {
public:
    Zstd(Sink out, int level)
        : out_(std::move(out)), context_(ZSTD_createCCtx()), buffer_(ZSTD_CStreamOutSize()) {
        if (!context_) throw std::bad_alloc();
        check(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level));
    }
    void write(std::span<const std::byte> data) override { run(data, ZSTD_e_continue); }
    void finish() override { run({}, ZSTD_e_end); }

private:
    struct Free {
        void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    };

    static std::size_t check(std::size_t result) {
        if (ZSTD_isError(result) != 0)
            throw Error(ErrorKind::internal, "zstd: {}", ZSTD_getErrorName(result));
        return result;
    }

    void run(std::span<const std::byte> data, ZSTD_EndDirective how) {
        ZSTD_inBuffer in{data.data(), data.size(), 0};
        for (;;) {
            ZSTD_outBuffer made{buffer_.data(), buffer_.size(), 0};
            const auto left = check(ZSTD_compressStream2(context_.get(), &made, &in, how));
            if (made.pos > 0) out_(std::span(buffer_).first(made.pos));
            if (how == ZSTD_e_end ? left == 0 : in.pos == in.size) return;
        }
    }

    Sink out_;
    std::unique_ptr<ZSTD_CCtx, Free> context_;
    std::vector<std::byte> buffer_;
};

class Plain : public Compressor {
public:
    explicit Plain(Sink out) : out_(std::move(out)) {}
    void write(std::span<const std::byte> data) override { out_(data); }
    void finish() override {}

private:
    Sink out_;
};

int checked(std::optional<int> level, int usual, int most) {
    const int out = level.value_or(usual);
    if (out < 1 || out > most)
        throw Error(ErrorKind::invalid_argument, "level {} is not between 1 and {}", out, most);
    return out;
}

}  // namespace

std::unique_ptr<Compressor> make_compressor(Compression kind, Sink out, std::optional<int> level) {
    switch (kind) {
        case Compression::gzip:
            return std::make_unique<Gzip>(std::move(out),
                                          checked(level, gzip_level, max_gzip_level));
        case Compression::zstd:
            return std::make_unique<Zstd>(std::move(out),
                                          checked(level, zstd_level, max_zstd_level));
        case Compression::none: return std::make_unique<Plain>(std::move(out));
        case Compression::xz:
        case Compression::bzip2: break;
    }
    throw Error(ErrorKind::invalid_argument, "a layer is gzip, zstd or uncompressed");
}

}  // namespace brig::archive
