// See filter_source.h.
#include "archive/filter_source.h"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <exception>
#include <utility>

#include "base/error.h"

namespace brig::archive {
namespace {

class FilterSource : public Source {
public:
    explicit FilterSource(std::unique_ptr<Source> source) : source_(std::move(source)) {
        ::archive_read_support_filter_xz(input_.get());
        ::archive_read_support_filter_bzip2(input_.get());
        ::archive_read_support_format_raw(input_.get());
        check(::archive_read_open(input_.get(), this, nullptr, &FilterSource::read, nullptr));
        struct ::archive_entry* entry = nullptr;
        const int result = ::archive_read_next_header(input_.get(), &entry);
        at_end_ = result == ARCHIVE_EOF;
        if (!at_end_) check(result);
    }
    FilterSource(const FilterSource&) = delete;  // libarchive has its address
    FilterSource& operator=(const FilterSource&) = delete;

    std::span<const std::byte> next() override {
        while (!at_end_) {
            const void* data = nullptr;
            std::size_t size = 0;
            la_int64_t offset = 0;
            const int result = ::archive_read_data_block(input_.get(), &data, &size, &offset);
            at_end_ = result == ARCHIVE_EOF;
            if (!at_end_) check(result);
            if (size > 0) return {static_cast<const std::byte*>(data), size};
        }
        return {};
    }

private:
    static la_ssize_t read(struct ::archive* input, void* self, const void** data) {
        auto& source = *static_cast<FilterSource*>(self);
        try {
            const auto chunk = source.source_->next();
            *data = chunk.data();
            return static_cast<la_ssize_t>(chunk.size());
        } catch (...) {
            source.failure_ = std::current_exception();  // not through C frames
            ::archive_set_error(input, EIO, "read failed");
            return -1;
        }
    }

    void check(int result) {
        if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
        if (result >= ARCHIVE_WARN) return;
        const char* text = ::archive_error_string(input_.get());
        throw Error(ErrorKind::invalid_argument, "compressed stream is damaged: {}",
                    text != nullptr ? text : "bad data");
    }

    std::unique_ptr<Source> source_;
    struct Free {
        void operator()(struct ::archive* input) const { ::archive_read_free(input); }
    };
    std::unique_ptr<struct ::archive, Free> input_{::archive_read_new()};
    std::exception_ptr failure_;
    bool at_end_ = false;
};

}  // namespace

std::unique_ptr<Source> make_filter_source(std::unique_ptr<Source> source) {
    return std::make_unique<FilterSource>(std::move(source));
}

}  // namespace brig::archive
