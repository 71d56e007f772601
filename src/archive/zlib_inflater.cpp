// See gzip_inflater.h.
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "archive/gzip_inflater.h"
#include "base/error.h"

namespace brig::archive {
namespace {

uInt bounded(std::size_t size) {
    return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

class ZlibInflater : public GzipInflater {
public:
    ZlibInflater() {
        if (inflateInit2(&stream_, 15 + 16) != Z_OK)
            throw Error(ErrorKind::internal, "cannot start inflating");
    }
    ZlibInflater(const ZlibInflater&) = delete;
    ZlibInflater& operator=(const ZlibInflater&) = delete;
    ~ZlibInflater() override { inflateEnd(&stream_); }

    Progress run(std::span<const std::byte> in, std::span<std::byte> out) override {
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
        stream_.avail_in = bounded(in.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out.data());
        stream_.avail_out = bounded(out.size());
        const int result = inflate(&stream_, Z_NO_FLUSH);
        if (result != Z_STREAM_END && result != Z_OK && result != Z_BUF_ERROR) {
            throw Error(ErrorKind::invalid_argument, "gzip stream is damaged: {}",
                        stream_.msg != nullptr ? stream_.msg : "bad data");
        }
        const Progress done{bounded(in.size()) - stream_.avail_in,
                            bounded(out.size()) - stream_.avail_out, result == Z_STREAM_END};
        if (done.member_ended) inflateReset(&stream_);
        return done;
    }

private:
    z_stream stream_{};
};

}  // namespace

std::unique_ptr<GzipInflater> make_zlib_inflater() { return std::make_unique<ZlibInflater>(); }

std::unique_ptr<GzipInflater> make_gzip_inflater() {
    auto fast = make_isal_inflater();
    return fast ? std::move(fast) : make_zlib_inflater();
}

}  // namespace brig::archive
