// Names as docker expands, shortens and refuses them.
#include "oci/reference.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "oci/platform.h"

namespace brig::oci {
namespace {

struct Row {
    const char* text;
    const char* full;
    const char* familiar;
};

TEST(Reference, ExpandsAndShortens) {
    const std::string digest = "sha256:" + std::string(64, 'a');
    const Row rows[] = {
        {"busybox", "docker.io/library/busybox:latest", "busybox:latest"},
        {"busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"},
        {"library/busybox", "docker.io/library/busybox:latest", "busybox:latest"},
        {"docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"},
        {"index.docker.io/a/b", "docker.io/a/b:latest", "a/b:latest"},
        {"user/app", "docker.io/user/app:latest", "user/app:latest"},
        {"library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"},
        {"localhost/app", "localhost/app:latest", "localhost/app:latest"},
        {"localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app:latest"},
        {"quay.io/x/y-z__w.v:T_1.2-3", "quay.io/x/y-z__w.v:T_1.2-3", "quay.io/x/y-z__w.v:T_1.2-3"},
        {"[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"},
        {"Host/app", "Host/app:latest", "Host/app:latest"},
    };
    for (const auto& row : rows) {
        const auto reference = Reference::parse(row.text).with_default_tag();
        EXPECT_EQ(reference.str(), row.full) << row.text;
        EXPECT_EQ(reference.familiar(), row.familiar) << row.text;
        EXPECT_EQ(Reference::parse(reference.str()), reference);
    }
    const auto digested = Reference::parse("busybox:1@" + digest).with_default_tag();
    EXPECT_EQ(digested.str(), "docker.io/library/busybox:1@" + digest);
    EXPECT_EQ(Reference::parse("busybox@" + digest).with_default_tag().familiar(),
              "busybox@" + digest);
}

TEST(Reference, RefusesWithDockersWords) {
    for (const char* text :
         {"",       ":tag", "a:",          "a:-x",   "/a",    "a//b", "a/",
          "-a",     "a-",   "a..b",        "a___b",  "a b",   "a@b",  "a@sha256:12",
          "a/../b", "..",   "host:port/a", "-h.x/a", "a:b:c", "ä"}) {
        try {
            (void)Reference::parse(text);
            ADD_FAILURE() << text;
        } catch (const Error& e) {
            EXPECT_EQ(e.kind(), ErrorKind::invalid_argument);
            EXPECT_EQ(e.message(), "invalid reference format") << text;
        }
    }
    try {
        (void)Reference::parse("Upper");
        ADD_FAILURE();
    } catch (const Error& e) {
        EXPECT_EQ(e.message(),
                  "invalid reference format: repository name (library/Upper) must be lowercase");
    }
    EXPECT_FALSE(Reference::try_parse(std::string(64, 'a')));
    EXPECT_FALSE(Reference::try_parse(std::string(300, 'a')));
    EXPECT_FALSE(Reference::try_parse("a:" + std::string(129, 't')));
}

TEST(Platform, ParsesAndMatches) {
    EXPECT_EQ(Platform::parse("linux/amd64").str(), "linux/amd64");
    EXPECT_EQ(Platform::parse("linux/aarch64").str(), "linux/arm64");
    EXPECT_EQ(Platform::parse("linux/arm64/v8").str(), "linux/arm64");
    EXPECT_EQ(Platform::parse("arm/v7").architecture, "v7");  // two words are OS and architecture
    EXPECT_EQ(Platform::parse("freebsd").os, "freebsd");
    EXPECT_THROW(Platform::parse("a/b/c/d"), Error);
    EXPECT_THROW(Platform::parse("linux/"), Error);
    EXPECT_THROW(Platform::parse("../x"), Error);
    const Platform amd{.os = "linux", .architecture = "amd64"};
    EXPECT_TRUE(amd.accepts({}));
    EXPECT_TRUE(amd.accepts({.os = "linux", .architecture = "x86_64"}));
    EXPECT_FALSE(amd.accepts({.os = "linux", .architecture = "arm64"}));
    EXPECT_FALSE(amd.accepts({.os = "unknown", .architecture = "unknown"}));
}

}  // namespace
}  // namespace brig::oci
