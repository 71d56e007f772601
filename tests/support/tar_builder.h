// Builds tar archives byte by byte, so that tests can say what no tar program would write.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace brig::testing {

class TarBuilder {
public:
    struct Options {
        unsigned mode = 0644;
        unsigned uid = 0;
        unsigned gid = 0;
        std::int64_t mtime = 1'000'000'000;
        unsigned major = 0;
        unsigned minor = 0;
    };

    TarBuilder& file(std::string_view name, std::string_view data, Options options) {
        header(name, '0', "", data.size(), options);
        out_ += data;
        pad();
        return *this;
    }
    TarBuilder& file(std::string_view name, std::string_view data = "") {
        return file(name, data, Options{});
    }
    TarBuilder& directory(std::string_view name, unsigned mode = 0755) {
        header(name, '5', "", 0, {.mode = mode});
        return *this;
    }
    TarBuilder& symlink(std::string_view name, std::string_view target) {
        header(name, '2', target, 0, {.mode = 0777});
        return *this;
    }
    TarBuilder& hardlink(std::string_view name, std::string_view target) {
        header(name, '1', target, 0, {});
        return *this;
    }
    TarBuilder& node(std::string_view name, char type, unsigned major, unsigned minor) {
        header(name, type, "", 0, {.major = major, .minor = minor});
        return *this;
    }
    /// A pax record for the next entry.
    TarBuilder& pax(std::string_view key, std::string_view value) {
        // The length counts itself.
        std::size_t length = key.size() + value.size() + 3;
        while (std::to_string(length).size() + key.size() + value.size() + 3 != length) {
            length = std::to_string(length).size() + key.size() + value.size() + 3;
        }
        pax_ += std::to_string(length) + " " + std::string(key) + "=" + std::string(value) + "\n";
        return *this;
    }
    /// A header alone that promises `size` bytes.
    TarBuilder& promise(std::string_view name, std::uint64_t size) {
        header(name, '0', "", size, {});
        return *this;
    }
    TarBuilder& raw(std::string_view bytes) {
        out_ += bytes;
        return *this;
    }
    [[nodiscard]] std::string finish() const { return out_ + std::string(1024, '\0'); }
    [[nodiscard]] const std::string& unfinished() const { return out_; }

private:
    void pad() { out_.append((512 - out_.size() % 512) % 512, '\0'); }
    void header(std::string_view name, char type, std::string_view link, std::uint64_t size,
                Options o) {
        if (!pax_.empty()) {
            const std::string records = std::exchange(pax_, {});
            header("pax", 'x', "", records.size(), {});
            out_ += records;
            pad();
        }
        char block[512] = {};
        std::memcpy(block, name.data(), std::min<std::size_t>(name.size(), 100));
        std::snprintf(block + 100, 8, "%07o", o.mode);
        std::snprintf(block + 108, 8, "%07o", o.uid);
        std::snprintf(block + 116, 8, "%07o", o.gid);
        std::snprintf(block + 124, 12, "%011llo", static_cast<unsigned long long>(size));
        std::snprintf(block + 136, 12, "%011llo", static_cast<unsigned long long>(o.mtime));
        std::memset(block + 148, ' ', 8);
        block[156] = type;
        std::memcpy(block + 157, link.data(), std::min<std::size_t>(link.size(), 100));
        std::memcpy(block + 257, "ustar\00000", 8);
        std::snprintf(block + 329, 8, "%07o", o.major);
        std::snprintf(block + 337, 8, "%07o", o.minor);
        unsigned sum = 0;
        for (const char c : block) sum += static_cast<unsigned char>(c);
        std::snprintf(block + 148, 8, "%06o", sum);
        out_.append(block, sizeof block);
    }
    std::string out_;
    std::string pax_;
};

}  // namespace brig::testing
