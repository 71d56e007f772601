// What tests that start containers from a Bundle have in common.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/bundle.h"
#include "support/error_of.h"

namespace brig::test {

/// Skips where containers cannot be started.
class ContainerTest : public testing::Test {
protected:
    void SetUp() override {
        if (const char* reason = Bundle::missing()) GTEST_SKIP() << reason;
    }
};

/// The message of the failure, or nothing when it started. Whatever failed leaves nothing.
inline std::string failure(Bundle& bundle) {
    try {
        bundle.run();
    } catch (const Error& e) {
        EXPECT_TRUE(bundle.runtime().list().empty());
        return e.message();
    }
    return {};
}

/// Whether the container has a control group in any hierarchy.
inline bool any_group_of(const std::string& id) {
    for (const auto& hierarchy : fs::directory_iterator("/sys/fs/cgroup")) {
        if (fs::exists(hierarchy.path() / "brig" / id)) return true;
    }
    return fs::exists("/sys/fs/cgroup/brig/" + id);
}

/// In a user namespace of its own, with files that belong to its root.
inline void map_users(Bundle& bundle, std::uint32_t first = 100000) {
    bundle.spec.linux->namespaces.push_back({"user", ""});
    bundle.spec.linux->uid_mappings = {{0, first, 65536}};
    bundle.spec.linux->gid_mappings = {{0, first, 65536}};
    fs::permissions(bundle.path(), fs::perms(0755));
    for (const auto& entry : fs::recursive_directory_iterator(bundle.rootfs()))
        ASSERT_EQ(::lchown(entry.path().c_str(), first, first), 0);
    ASSERT_EQ(::lchown(bundle.rootfs().c_str(), first, first), 0);
}

/// Kills a container that was started in the background.
inline void end(Bundle& bundle, const runtime::Started& started) {
    bundle.runtime().remove(bundle.id, true);
    Bundle::wait(started.pid);
}

/// What `words` print as the first process and as one that enters.
inline std::vector<std::string> both_ways(Bundle& bundle, std::vector<std::string> words) {
    bundle.spec.process.args = words;
    std::vector<std::string> out{bundle.run().output};
    bundle.spec.process.args = {"sleep", "100"};
    const runtime::Started started = bundle.runtime().run(bundle.request());
    out.push_back(bundle.exec(std::move(words)).output);
    end(bundle, started);
    return out;
}

}  // namespace brig::test
