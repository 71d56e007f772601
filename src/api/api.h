// The Docker Engine API over an engine: the service that brigd's HTTP server serves.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "api/http.h"
#include "registry/settings.h"

namespace brig::build {
class Builder;
}
namespace brig::engine {
class Engine;
}

namespace brig::api {

struct Parts {
    engine::Engine& engine;
    build::Builder& builder;
    /// Where build contexts are unpacked: on the file system of the engine's root.
    std::filesystem::path temporary;
    std::string storage_driver;  ///< as image inspect shows it
    registry::Settings registries = {};
};

/// Thread-safe. Streams that are being written keep threads in here: end the server, whose
/// connections hold their other ends, first.
class Api : public Service {
public:
    explicit Api(const Parts& parts);
    ~Api() override;
    [[nodiscard]] BodyMode body_mode(const Request& head) const override;
    Reply handle(Request request) override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace brig::api
