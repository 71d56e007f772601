// Errors, readiness and descriptors across fork.
#include "os/child_report.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace brig::os {
namespace {

template <typename Action>
ChildReport forked(Action child) {
    auto ends = ChildReport::make();
    if (::fork() == 0) {
        child(ends.child);
        ::_exit(0);
    }
    return std::move(ends.parent);
}

TEST(ChildReport, ThrowsTheChildsError) {
    const auto report = forked([](const ChildReport& r) {
        r.fail(Error(ErrorKind::permission_denied, "exec: \"x\": no"));
    });
    try {
        (void)report.receive();
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::permission_denied);
        EXPECT_EQ(e.message(), "exec: \"x\": no");
    }
    ::wait(nullptr);
}

TEST(ChildReport, PassesDescriptorsAndTakesTurns) {
    const auto report = forked([](const ChildReport& r) {
        r.rendezvous();
        auto [read, write] = make_pipe();
        write_all(write.get(), "hello");
        r.ready(read.get());
    });
    EXPECT_EQ(report.receive().kind, ChildReport::Message::Kind::rendezvous);
    report.proceed();
    auto message = report.receive();
    EXPECT_EQ(message.kind, ChildReport::Message::Kind::ready);
    EXPECT_EQ(read_to_end(message.descriptor.get(), 100), "hello");
    EXPECT_EQ(report.receive().kind, ChildReport::Message::Kind::end);
    ::wait(nullptr);
}

}  // namespace
}  // namespace brig::os
