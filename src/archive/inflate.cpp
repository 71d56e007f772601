// gzip and zstd, inflated in process: no helper program ever runs on an archive's behalf
// (CVE-2014-9357, GHSA-x86f-5xw2-fm2r).
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "archive/filter_source.h"
#include "archive/gzip_inflater.h"
#include "archive/stream.h"
#include "base/error.h"

namespace brig::archive {
namespace {

constexpr std::size_t output_bytes = 256 * 1024;
/// zstd frames may ask for windows of gigabytes; image layers use 8 MiB at most, and this is what
/// the zstd program accepts.
constexpr int max_zstd_window_log = 27;

bool starts_with(std::span<const std::byte> head, std::initializer_list<unsigned> magic) {
    return head.size() >= magic.size() &&
           std::ranges::equal(head.first(magic.size()), magic, {},
                              [](std::byte b) { return std::to_integer<unsigned>(b); });
}

/// What was read to look at the beginning, then the rest.
class Rewound : public Source {
public:
    Rewound(std::vector<std::byte> head, std::unique_ptr<Source> rest)
        : head_(std::move(head)), rest_(std::move(rest)) {}
    std::span<const std::byte> next() override {
        if (!std::exchange(head_given_, true) && !head_.empty()) return head_;
        return rest_->next();
    }

private:
    std::vector<std::byte> head_;
    std::unique_ptr<Source> rest_;
    bool head_given_ = false;
};

class GzipSource : public Source {
public:
    explicit GzipSource(std::unique_ptr<Source> source)
        : source_(std::move(source)), inflater_(make_gzip_inflater()) {}

    std::span<const std::byte> next() override {
        std::size_t made = 0;
        while (!finished_ && made == 0) made = step();
        return {out_.get(), made};
    }

private:
    std::size_t step() {
        if (in_.empty()) in_ = source_->next();
        if (in_.empty() && !flushing_) {
            if (!between_members_)
                throw Error(ErrorKind::invalid_argument, "gzip stream ends early");
            finished_ = true;
            return 0;
        }
        // Padding after the last member is ignored, as gunzip does.
        if (between_members_ && !std::exchange(first_member_, false) &&
            in_.front() != std::byte{0x1f}) {
            finished_ = true;
            return 0;
        }
        const auto done = inflater_->run(in_, {out_.get(), output_bytes});
        if (done.read + done.written == 0 && !in_.empty() && !done.member_ended)
            throw Error(ErrorKind::invalid_argument, "gzip stream is damaged: it leads nowhere");
        in_ = in_.subspan(done.read);
        between_members_ = done.member_ended;
        // A full output buffer may leave more inside the inflater.
        flushing_ = !done.member_ended && done.written == output_bytes;
        return done.written;
    }

    std::unique_ptr<Source> source_;
    // Not set to zero: small layers touch little of it.
    std::unique_ptr<std::byte[]> out_ = std::make_unique_for_overwrite<std::byte[]>(output_bytes);
    std::unique_ptr<GzipInflater> inflater_;
    std::span<const std::byte> in_;
    bool between_members_ = true;
    bool first_member_ = true;
    bool flushing_ = false;
    bool finished_ = false;
};

class ZstdSource : public Source {
public:
    explicit ZstdSource(std::unique_ptr<Source> source)
        : source_(std::move(source)), out_(output_bytes), context_(ZSTD_createDCtx()) {
        if (!context_) throw Error(ErrorKind::internal, "cannot start inflating");
        ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, max_zstd_window_log);
    }

    std::span<const std::byte> next() override {
        ZSTD_outBuffer out{out_.data(), out_.size(), 0};
        while (out.pos == 0) {
            if (in_.pos == in_.size && !flushing_) {
                const auto chunk = source_->next();
                in_ = {chunk.data(), chunk.size(), 0};
                if (chunk.empty()) {
                    if (!at_frame_end_)
                        throw Error(ErrorKind::invalid_argument, "zstd stream ends early");
                    return {};
                }
            }
            const std::size_t result = ZSTD_decompressStream(context_.get(), &out, &in_);
            if (ZSTD_isError(result) != 0) {
                throw Error(ErrorKind::invalid_argument, "zstd stream is damaged: {}",
                            ZSTD_getErrorName(result));
            }
            at_frame_end_ = result == 0;
            // A full output buffer may leave more inside the decoder.
            flushing_ = !at_frame_end_ && out.pos == out.size;
        }
        return {out_.data(), out.pos};
    }

private:
    struct Free {
        void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
    };
    std::unique_ptr<Source> source_;
    std::vector<std::byte> out_;
    std::unique_ptr<ZSTD_DCtx, Free> context_;
    ZSTD_inBuffer in_{nullptr, 0, 0};
    bool at_frame_end_ = true;
    bool flushing_ = false;
};

}  // namespace

Compression detect(std::span<const std::byte> head) {
    if (starts_with(head, {0x1f, 0x8b})) return Compression::gzip;
    if (starts_with(head, {0x28, 0xb5, 0x2f, 0xfd})) return Compression::zstd;
    // A skippable frame, which zstd:chunked and parallel compressors put in front.
    if (head.size() >= 4 && (std::to_integer<unsigned>(head[0]) & 0xf0U) == 0x50 &&
        starts_with(head.subspan(1), {0x2a, 0x4d, 0x18})) {
        return Compression::zstd;
    }
    if (starts_with(head, {0xfd, '7', 'z', 'X', 'Z'})) return Compression::xz;
    if (starts_with(head, {'B', 'Z', 'h'})) return Compression::bzip2;
    return Compression::none;
}

Peeked peek(std::unique_ptr<Source> source) {
    std::vector<std::byte> head;
    while (head.size() < 6) {
        const auto chunk = source->next();
        if (chunk.empty()) break;
        head.insert(head.end(), chunk.begin(), chunk.end());
    }
    auto whole = std::make_unique<Rewound>(head, std::move(source));
    return {std::move(head), std::move(whole)};
}

std::unique_ptr<Source> decompress(std::unique_ptr<Source> source) {
    auto [head, whole] = peek(std::move(source));
    switch (detect(head)) {
        case Compression::gzip: return std::make_unique<GzipSource>(std::move(whole));
        case Compression::zstd: return std::make_unique<ZstdSource>(std::move(whole));
        case Compression::xz:
        case Compression::bzip2: return make_filter_source(std::move(whole));
        case Compression::none: break;
    }
    return std::move(whole);
}

struct GzipSink::State {
    Sink out;
    z_stream stream{};
    std::vector<std::byte> buffer = std::vector<std::byte>(output_bytes);

    void run(std::span<const std::byte> data, int flush) {
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
        stream.avail_in = static_cast<uInt>(data.size());
        do {
            stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
            stream.avail_out = static_cast<uInt>(buffer.size());
            if (deflate(&stream, flush) == Z_STREAM_ERROR)
                throw Error(ErrorKind::internal, "gzip failed");
            const std::size_t made = buffer.size() - stream.avail_out;
            if (made > 0) out(std::span(buffer).first(made));
        } while (stream.avail_out == 0);
    }
};

GzipSink::GzipSink(Sink out, int level) : state_(std::make_unique<State>()) {
    state_->out = std::move(out);
    // The default header has no name and time 0: equal input gives equal bytes.
    if (deflateInit2(&state_->stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        throw Error(ErrorKind::internal, "cannot start gzip");
    }
}

GzipSink::~GzipSink() { deflateEnd(&state_->stream); }

void GzipSink::write(std::span<const std::byte> data) {
    if (!data.empty()) state_->run(data, Z_NO_FLUSH);
}

void GzipSink::finish() { state_->run({}, Z_FINISH); }

}  // namespace brig::archive
