// What an action throws, for tests that look at it.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "base/error.h"

namespace brig::test {

/// Fails where nothing is thrown.
template <typename Action>
Error error_of(Action action) {
    try {
        action();
    } catch (const Error& e) {
        return e;
    }
    ADD_FAILURE() << "no error";
    return {ErrorKind::internal, "none"};
}

/// Its kind; nothing where nothing is thrown.
template <typename Action>
std::optional<ErrorKind> kind_of(Action action) {
    try {
        action();
    } catch (const Error& e) {
        return e.kind();
    }
    return std::nullopt;
}

}  // namespace brig::test
