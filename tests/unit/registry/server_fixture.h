// A registry server whose tree is a temporary directory, called without a connection.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "registry/server/service.h"

namespace brig::registry::server {

using nlohmann::json;

inline constexpr auto manifest_type = "application/vnd.oci.image.manifest.v1+json";
inline constexpr auto index_type = "application/vnd.oci.image.index.v1+json";

class ServerTest : public ::testing::Test {
protected:
    void restart(AccessRules access = {}) {
        service_.reset();
        tree_.reset();
        tree_ = std::make_unique<Tree>(directory_.path() / "registry");
        service_ = std::make_unique<Registry>(*tree_, std::move(access));
    }
    ServerTest() {
        ::signal(SIGPIPE, SIG_IGN);
        restart();
    }

    using Headers = std::map<std::string, std::string>;

    http::Reply call(const std::string& method, const std::string& target,
                     const std::string& body = {}, Headers headers = {}) {
        http::Request request;
        request.method = method;
        http::parse_target(target, request);
        request.headers = std::move(headers);
        if (service_->body_mode(request) == http::BodyMode::buffered) {
            request.body = body;
            return service_->handle(std::move(request));
        }
        auto pair = make_socket_pair();
        request.body_stream = std::move(pair.first);
        std::thread writer([&] {
            try {
                write_all(pair.second.get(), body);
            } catch (const Error&) {
                // Nobody wanted it.
            }
            pair.second.reset();
        });
        auto reply = service_->handle(std::move(request));
        writer.join();
        return reply;
    }
    /// Breaks off after `body`, as a connection that is cut.
    http::Reply cut_off(const std::string& method, const std::string& target,
                        const std::string& body) {
        http::Request request;
        request.method = method;
        http::parse_target(target, request);
        auto pair = make_socket_pair();
        request.body_stream = {std::move(pair.first), std::make_shared<std::atomic<bool>>(false)};
        write_all(pair.second.get(), body);
        pair.second.reset();
        return service_->handle(std::move(request));
    }

    static std::string header(const http::Reply& reply, const std::string& name) {
        for (const auto& [key, value] : reply.headers) {
            if (key == name) return value;
        }
        return {};
    }
    static std::string text(const http::Reply& reply) {
        if (const auto* plain = std::get_if<std::string>(&reply.body)) return *plain;
        const auto& file = std::get<http::FileBody>(reply.body);
        std::string out(file.length, '\0');
        EXPECT_EQ(::pread(file.file.get(), out.data(), out.size(), static_cast<off_t>(file.offset)),
                  static_cast<ssize_t>(file.length));
        return out;
    }
    static std::string code(const http::Reply& reply) {
        return json::parse(text(reply)).at("errors").at(0).at("code").get<std::string>();
    }

    std::string push_blob(const std::string& repo, const std::string& bytes) {
        const auto digest = Digest::of(bytes).str();
        EXPECT_EQ(call("POST", "/v2/" + repo + "/blobs/uploads/?digest=" + digest, bytes).status,
                  201);
        return digest;
    }
    static json descriptor(const std::string& bytes, const std::string& type) {
        return {{"mediaType", type}, {"digest", Digest::of(bytes).str()}, {"size", bytes.size()}};
    }
    static std::string image(const std::string& config, const std::string& layer, json more = {}) {
        json out{{"schemaVersion", 2},
                 {"mediaType", manifest_type},
                 {"config", descriptor(config, "application/vnd.oci.image.config.v1+json")},
                 {"layers", json::array({descriptor(layer, "application/x-layer")})}};
        if (more.is_object()) out.update(more);
        return out.dump();
    }
    http::Reply put_manifest(const std::string& repo, const std::string& reference,
                             const std::string& text, const std::string& type = manifest_type) {
        return call("PUT", "/v2/" + repo + "/manifests/" + reference, text,
                    {{"content-type", type}});
    }
    std::string push_image(const std::string& repo, const std::string& tag, json more = {}) {
        push_blob(repo, "config");
        push_blob(repo, "layer");
        const auto text = image("config", "layer", std::move(more));
        EXPECT_EQ(put_manifest(repo, tag, text).status, 201);
        return Digest::of(text).str();
    }
    bool has_blob(const std::string& repo, const std::string& bytes) {
        return call("HEAD", "/v2/" + repo + "/blobs/" + Digest::of(bytes).str()).status == 200;
    }

    TempDir directory_{"/tmp", "brig-registry-server"};
    std::unique_ptr<Tree> tree_;
    std::unique_ptr<Registry> service_;
};

}  // namespace brig::registry::server
