// The registry as an HTTP service: the OCI distribution specification 1.1 over a tree, for whom
// access allows what.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "http/message.h"
#include "http/router.h"
#include "registry/server/htpasswd.h"
#include "registry/server/tree.h"
#include "registry/server/uploads.h"

namespace brig::registry::server {

struct AccessRules {
    bool read_only = false;
    /// Nothing outside of these repositories exists, where there are any. "team/*": all beneath.
    std::vector<std::string> repositories;
    /// Passwords to ask for; empty: none.
    std::filesystem::path htpasswd;
};

/// What the handlers share.
struct Context {
    Tree& tree;
    Uploads& uploads;
    const AccessRules& access;

    /// Throws Refusal where the rules hide the repository.
    [[nodiscard]] Repo repo(const std::string& name) const;
    [[nodiscard]] bool visible(const std::string& name) const;
};

class Routes {
public:
    Routes(http::Router& router, Context& context) : router_(router), context_(context) {}
    void add(std::string_view method, std::string_view pattern,
             http::Reply (*handler)(Context&, http::Request&),
             http::BodyMode body = http::BodyMode::buffered);

private:
    http::Router& router_;
    Context& context_;
};

void add_blob_routes(Routes& routes);
void add_upload_routes(Routes& routes);
void add_manifest_routes(Routes& routes);
void add_list_routes(Routes& routes);

/// Thread-safe.
class Registry : public http::Service {
public:
    Registry(Tree& tree, AccessRules access);
    [[nodiscard]] http::BodyMode body_mode(const http::Request& head) const override;
    http::Reply handle(http::Request request) override;

private:
    http::Reply answer(http::Request& request);

    AccessRules access_;
    Uploads uploads_;
    Context context_;
    http::Router router_;
    std::unique_ptr<Htpasswd> passwords_;
};

}  // namespace brig::registry::server
