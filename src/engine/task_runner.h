// RUN steps of a build: short-lived tasks on a root file system that the builder owns, with no
// container of their own in the table.
#pragma once

#include "build/runner.h"
#include "engine/container.h"
#include "engine/parts.h"

namespace brig::engine {

class TaskRunner : public build::Runner {
public:
    explicit TaskRunner(Parts parts) : parts_(std::move(parts)) {}
    int run(const build::RunRequest& request, const std::function<void(std::string_view)>& output,
            const std::function<bool()>& cancelled) override;

private:
    void release(const std::string& id);

    Parts parts_;
};

}  // namespace brig::engine
