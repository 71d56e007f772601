// What all commands of one call share: the engine to talk to, found or started on first use.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"

namespace brig::cli {

struct SessionOptions {
    std::string host;  ///< -H; empty: BRIG_HOST, DOCKER_HOST, then the run directory's socket
    std::filesystem::path run;   ///< --run
    std::filesystem::path root;  ///< --root, for an engine that we start
    bool debug = false;
};

class Session {
public:
    explicit Session(SessionOptions options) : options_(std::move(options)) {}

    /// The engine. On the default socket, an engine is started where none answers and we are root.
    /// Throws Error{unavailable}.
    client::Client& engine();
    [[nodiscard]] const SessionOptions& options() const { return options_; }

private:
    std::unique_ptr<client::Client> connect();

    SessionOptions options_;
    std::unique_ptr<client::Client> client_;
};

/// brigd: beside our own program, as a build tree and an installation have it; else from PATH.
std::string engine_program();

/// Starts a brigd of its own in the background and waits until its socket answers. Throws Error
/// with the end of its log where it does not come up.
void start_embedded_engine(const SessionOptions& options, const client::Endpoint& endpoint);

}  // namespace brig::cli
