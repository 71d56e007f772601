// brigd: the engine behind its API. Puts the parts together, serves until a signal or idleness, and
// leaves the containers running.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

#include "api/api.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"
#include "base/version.h"
#include "build/builder.h"
#include "content/store.h"
#include "engine/daemon_options.h"
#include "engine/engine.h"
#include "engine/userns_remap.h"
#include "http/server.h"
#include "image/pull.h"
#include "image/store.h"
#include "network/network.h"
#include "os/memory.h"
#include "os/places.h"
#include "os/sandbox.h"
#include "os/zfs.h"
#include "registry/server/program.h"
#include "shim/client.h"
#include "snapshot/snapshotter.h"
#include "volume/store.h"

namespace {

namespace fs = std::filesystem;
using namespace brig;

/// A program beside our own, as a build tree and an installation have it; empty: not there.
fs::path beside(const char* self, const char* name) {
    std::error_code error;
    fs::path own = os::own_program();
    if (own.empty()) own = fs::absolute(self, error);
    fs::path program = own.parent_path() / name;
    return ::access(program.c_str(), X_OK) == 0 ? program : fs::path();
}

/// Else from PATH.
fs::path shim_program(const engine::DaemonOptions& options, const char* self) {
    if (!options.shim.empty()) return options.shim;
    const auto found = beside(self, "brig-shim");
    return found.empty() ? fs::path("brig-shim") : found;
}

FileLock lock_root(const fs::path& root) {
    try {
        return FileLock::try_acquire(root / "brigd.lock");
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::conflict) throw;
        throw Error(ErrorKind::conflict,
                    "another brigd is running on {}; stop it or give --root and --run",
                    root.string());
    }
}

/// "172.30.0.0/16" stands for its first address.
os::Ipv4Interface gateway_of(const std::string& subnet) {
    auto gateway = os::Ipv4Interface::parse(subnet);
    if (gateway.prefix < 31 && gateway == gateway.network())
        gateway.address = os::Ipv4Address(gateway.address.value() + 1);
    return gateway;
}

/// Engines on one host must not take each other's interfaces for their own leftovers, nor give out
/// the same addresses; so what is not chosen depends on the place where the engine runs.
network::Config network_config(const engine::DaemonOptions& options) {
    auto config = network::config_for(options.run);
    if (!options.bridge.empty()) {
        config.bridge = options.bridge;
        config.link_prefix = "b" + std::string(Digest::of(options.bridge).hex().substr(0, 6));
    }
    if (!options.subnet.empty()) config.gateway = gateway_of(options.subnet);
    if (options.ipv6) config.gateway6 = network::gateway6_for(config, options.subnet6);
    config.ip6tables = options.ip6tables;
    if (!options.nft_table.empty()) config.firewall = options.nft_table;
    if (!options.link_prefix.empty()) config.link_prefix = options.link_prefix;
    return config;
}

/// Ours and brig-shim's, which inherits it; what there was before is for the containers.
std::vector<os::Rlimit> raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
    std::vector<os::Rlimit> before{{"RLIMIT_NOFILE", static_cast<std::uint64_t>(limit.rlim_max),
                                    static_cast<std::uint64_t>(limit.rlim_cur)}};
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return before;
}

sigset_t our_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) ::sigaddset(&set, signal);
    return set;
}

void renew_network(network::Networks& networks) {
    log::info("renewing the network");
    try {
        networks.renew();
    } catch (const std::exception& e) {
        log::warn("renewing the network: {}", e.what());
    }
}

/// Ends the server on a signal or after enough idleness; on SIGUSR1 the containers before. SIGHUP
/// is for who has changed the host's network. The signals are blocked in all threads.
class Watchdog {
public:
    Watchdog(http::Server& server, engine::Engine& engine, network::Networks& networks,
             std::optional<int> idle_exit)
        : networks_(networks),
          thread_([this, &server, &engine, idle_exit] { watch(server, engine, idle_exit); }) {}
    ~Watchdog() {
        done_ = true;
        ::pthread_kill(thread_.native_handle(), SIGTERM);
        thread_.join();
    }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

private:
    void watch(http::Server& server, engine::Engine& engine, std::optional<int> idle_exit) {
        const sigset_t set = our_signals();
        const timespec interval{1, 0};
        for (;;) {
            const int signal =
                idle_exit ? ::sigtimedwait(&set, nullptr, &interval) : ::sigwaitinfo(&set, nullptr);
            if (done_) return;
            if (signal == SIGUSR1) {
                log::info("signal {}: ending all containers", signal);
                engine.end_all();
                return server.stop();
            }
            if (signal == SIGHUP) {
                renew_network(networks_);
                continue;
            }
            if (signal > 0) {
                log::info("signal {}: leaving; containers go on", signal);
                return server.stop();
            }
            if (!idle_exit) continue;
            const auto idle = server.idle_for();
            if (idle && *idle >= std::chrono::seconds(*idle_exit) && engine.idle()) {
                log::info("idle for {} s: leaving", *idle_exit);
                return server.stop();
            }
        }
    }

    std::atomic<bool> done_ = false;
    network::Networks& networks_;
    std::thread thread_;
};

std::string best_snapshotter(const fs::path& root) {
    if (os::sandbox_kind() == os::SandboxKind::namespaces) return "overlay";
    try {
        os::zfs_dataset_of(root.string());
        return "zfs";
    } catch (const Error& e) {
        log::warn("images are kept as copies, which costs time and space: {}", e.message());
        return "copy";
    }
}

registry::Settings registry_settings(const engine::DaemonOptions& options) {
    registry::Settings out;
    out.insecure = options.insecure_registries;
    out.mirrors = options.mirrors;
    out.downloads = options.downloads;
    out.uploads = options.uploads;
    out.proxies = registry::Proxies::from_environment();
    out.ssh_command = options.ssh_command;
    out.certificates = {options.config.parent_path() / "certs.d", "/etc/docker/certs.d"};
    out.user_agent = fmt::format("brig/{}", brig::version);
    return out;
}

/// The image of a FROM that is not here, as the classic builder says it.
void pull_base(image::Store& images, const registry::Settings& registries, const std::string& name,
               const build::BuildRequest& request, build::Progress& progress) {
    const auto reference = oci::Reference::parse(name).with_default_tag();
    const auto known = request.credentials.find(reference.domain);
    const auto credentials =
        known == request.credentials.end() ? registry::Credentials() : known->second;
    try {
        image::PullRequest wanted{.name = reference, .credentials = credentials};
        if (!request.platform.empty()) wanted.platform = oci::Platform::parse(request.platform);
        image::Pull pull(images, registries, wanted, [&] { return progress.cancelled(); });
        pull.run([&](const image::TransferEvent& event) {
            if (event.total > 0) return;
            const auto who = event.id.empty() ? "" : event.id + ": ";
            progress.text(fmt::format("{}{}\n", who, event.status));
        });
    } catch (const Error& e) {
        throw e.within("cannot pull " + reference.familiar());
    }
    progress.text(fmt::format("Status: Downloaded newer image for {}\n", reference.familiar()));
}

archive::OwnerMap owners_for(const engine::DaemonOptions& options) {
    if (options.userns_remap.empty()) return {};
    if (os::sandbox_kind() == os::SandboxKind::jail) {
        throw Error(ErrorKind::not_implemented,
                    "userns-remap {}: FreeBSD has no user namespaces; leave the option out",
                    options.userns_remap);
    }
    return engine::remapped_owners(options.userns_remap, engine::read_host_accounts());
}

void make_root(const fs::path& root) {
    make_directories(root, 0710);
    if (::chmod(root.c_str(), 0710) != 0) throw SysError("change the mode of {}", root.string());
}

std::shared_ptr<snapshot::Snapshotter> snapshotter(const std::string& driver, const fs::path& root,
                                                   const archive::OwnerMap& owners) {
    auto made = snapshot::make_snapshotter(driver, root / "snapshots" / driver);
    return owners.empty() ? std::move(made) : snapshot::with_owners(std::move(made), owners);
}

int serve(engine::DaemonOptions options, const char* self) {
    const auto owners = owners_for(options);
    make_root(options.root);
    options.root = engine::store_of(options.root, owners);
    make_root(options.root);
    make_directories(options.run, 0755);
    const FileLock lock = lock_root(options.root);

    const std::string driver =
        options.snapshotter.empty() ? best_snapshotter(options.root) : options.snapshotter;
    content::Store content(options.root / "content");
    engine::Parts parts;
    parts.settings = {options.root,
                      options.run,
                      driver,
                      options.log_level == log::Level::debug,
                      beside(self, "brig-init"),
                      raise_descriptor_limit()};
    parts.snapshots = snapshotter(driver, options.root, owners);
    parts.images = std::make_shared<image::Store>(
        image::Parts{options.root / "meta.db", content, *parts.snapshots});
    parts.volumes = std::make_shared<volume::Store>(options.root / "volumes", owners);
    auto network = network_config(options);
    if (!owners.empty()) network.pool = 0;
    parts.networks = std::make_shared<network::Networks>(network);
    const std::shared_ptr<shim::Client> tasks =
        shim::Client::connect({options.run, shim_program(options, self)});
    parts.tasks = tasks;
    {
        const auto snapshots = parts.snapshots;
        const auto images = parts.images;
        const auto networks = parts.networks;
        engine::Engine engine(std::move(parts));
        const auto registries = registry_settings(options);
        const auto pull = [&](const std::string& name, const build::BuildRequest& request,
                              build::Progress& progress) {
            pull_base(*images, registries, name, request, progress);
        };
        build::Builder builder({*images, *snapshots, engine.runner(), options.root, pull});
        make_directories(options.root / "tmp", 0700);
        api::Api api({engine, builder, options.root / "tmp", driver, registries});
        http::Server server(api);
        for (const auto& socket : options.sockets) {
            make_directories(socket.parent_path(), 0755);
            server.listen(http::listen_unix(socket));
            log::info("brigd {} serves on {}", brig::version, socket.string());
        }
        {
            const Watchdog watchdog(server, engine, *networks, options.idle_exit);
            server.run();
        }
        for (const auto& socket : options.sockets) ::unlink(socket.c_str());
    }
    tasks->shutdown();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc > 1 && std::string_view(argv[1]) == "registry") {
            ::signal(SIGPIPE, SIG_IGN);
            return registry::server::run(registry::server::parse_options({argv + 2, argv + argc}));
        }
        const auto options =
            engine::parse_daemon_options({argv + 1, argv + argc}, os::default_places().config);
        if (options.help) return std::fputs(engine::daemon_usage().c_str(), stdout) < 0 ? 1 : 0;
        if (options.version) {
            fmt::print("brigd version {}, build {}\n", brig::version, brig::git_commit);
            return 0;
        }
        if (::geteuid() != 0) throw Error(ErrorKind::permission_denied, "brigd has to run as root");
        log::set_level(options.log_level);
        ::umask(022);
        ::signal(SIGPIPE, SIG_IGN);
        const sigset_t set = our_signals();
        ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
        os::keep_little_memory();
        return serve(options, argv[0]);
    } catch (const std::exception& e) {
        fmt::print(stderr, "brigd: {}\n", e.what());
        return 1;
    }
}
