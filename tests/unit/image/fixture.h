// An image store in a temporary directory.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>

#include "archive/tree_writer.h"
#include "base/error.h"
#include "base/file.h"
#include "image/store.h"
#include "support/error_of.h"
#include "support/tar_builder.h"

namespace brig::image {

/// What a test hands to functions that read a descriptor.
inline Fd memory_file(std::string_view bytes) {
    Fd fd(::memfd_create("test", MFD_CLOEXEC));
    write_all(fd.get(), bytes);
    ::lseek(fd.get(), 0, SEEK_SET);
    return fd;
}

class StoreTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "unpacking sets owners, which takes root";
        open();
    }
    void open() {
        images_.reset();
        snapshots_.reset();
        content_.reset();
        content_ = std::make_unique<content::Store>(directory_.path() / "content");
        snapshots_ = snapshot::make_snapshotter("overlay", directory_.path() / "overlay");
        images_ =
            std::make_unique<Store>(Parts{directory_.path() / "meta.db", *content_, *snapshots_});
    }
    Store& store() { return *images_; }

    /// An image of one layer per text, each a file "fN" with that text.
    Image make_image(const std::vector<std::string>& layers, const std::string& name,
                     std::optional<Digest> parent = {}) {
        const auto lease = content_->lease();
        NewImage image{.parent = parent};
        image.config.platform = oci::Platform::host();
        image.config.config.labels["made"] = name;
        std::optional<Digest> chain;
        for (const auto& text : layers) {
            const std::string tar = brig::testing::TarBuilder()
                                        .file("f" + std::to_string(image.layers.size()), text)
                                        .finish();
            image.layers.push_back(store().add_layer(*archive::from_memory(tar), chain));
            image.config.history.push_back({.created_by = "add " + text});
            chain = image.layers.back().chain_id;
        }
        if (!name.empty()) image.names.push_back(oci::Reference::parse(name).with_default_tag());
        return store().create(std::move(image));
    }
    std::size_t snapshot_count() { return snapshots_->list().size(); }
    std::size_t blob_count() { return content_->list().size(); }

    TempDir directory_{"/tmp", "brig-image-test"};
    std::unique_ptr<content::Store> content_;
    std::unique_ptr<snapshot::Snapshotter> snapshots_;
    std::unique_ptr<Store> images_;
};

using brig::test::error_of;

}  // namespace brig::image
