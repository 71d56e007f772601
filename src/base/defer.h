// Runs a clean-up at the end of a scope unless dismissed: how partial work is undone in reverse.
#pragma once

#include <utility>

namespace brig {

/// The action must not throw.
template <typename Action>
class [[nodiscard]] Defer {
public:
    explicit Defer(Action action) : action_(std::move(action)) {}
    Defer(const Defer&) = delete;
    Defer& operator=(const Defer&) = delete;
    ~Defer() {
        if (armed_) action_();
    }
    void dismiss() { armed_ = false; }

private:
    Action action_;
    bool armed_ = true;
};

}  // namespace brig
