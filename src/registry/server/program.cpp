// See program.h.
#include "registry/server/program.h"

#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <thread>

#include "base/log.h"
#include "base/version.h"
#include "oci/manifest.h"

namespace brig::registry::server {
namespace {

constexpr int collect_interval = 3600;  // seconds
constexpr std::size_t copy_size = 256U << 10U;

http::ServerOptions server_options() {
    return {.header_limit = 64U << 10U, .body_limit = oci::max_document_bytes, .max_handlers = 64};
}

/// Until the end of either; false when it was that of `to`.
void copy(int from, int to) {
    std::vector<std::byte> buffer(copy_size);
    try {
        while (const auto count = read_some(from, buffer))
            write_all(to, std::span(buffer).first(count));
    } catch (const Error& e) {
        log::debug("standard input or output ended: {}", e.message());
    }
}

/// One connection, whose two directions are our standard input and output.
int serve_stdio(Registry& registry) {
    auto pair = make_socket_pair();
    const int ours = pair.first.get();
    http::Server server(registry, server_options());
    server.serve_only(std::move(pair.second));
    std::thread([ours] {
        copy(STDIN_FILENO, ours);
        ::shutdown(ours, SHUT_WR);
    }).detach();
    std::thread output([ours] {
        copy(ours, STDOUT_FILENO);
        // Whoever does not read any more has gone.
        ::shutdown(ours, SHUT_RDWR);
    });
    server.run();
    output.join();
    // The other thread may wait for input for ever.
    ::_exit(0);
}

sigset_t ending_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, signal);
    return set;
}

void report(const Collected& collected) {
    if (collected.bytes == 0 && collected.manifests == 0 && collected.uploads == 0) return;
    log::info("collected {} bytes, {} manifests, {} abandoned uploads", collected.bytes,
              collected.manifests, collected.uploads);
}

/// Collects garbage now and then, until a signal.
void keep_house(Tree& tree, const CollectOptions& options) {
    const sigset_t set = ending_signals();
    const timespec interval{collect_interval, 0};
    do {
        try {
            report(collect(tree, options));
        } catch (const Error& e) {
            log::error("cannot collect garbage: {}", e.message());
        }
    } while (::sigtimedwait(&set, nullptr, &interval) <= 0);
}

int serve_listener(Tree& tree, Registry& registry, const Options& options) {
    const sigset_t set = ending_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    http::Server server(registry, server_options());
    Fd listener = http::listen_tcp(options.listen);
    const auto port = http::port_of(listener);
    const bool has_tls = !options.tls.certificate.empty();
    has_tls ? server.listen(std::move(listener), options.tls) : server.listen(std::move(listener));
    const auto host = options.listen.substr(0, options.listen.rfind(':'));
    fmt::print("brig {}: registry {} serves on {}://{}:{}\n", version, options.root.string(),
               has_tls ? "https" : "http", host.empty() ? "[::]" : host, port);
    std::fflush(stdout);
    std::thread house([&] {
        keep_house(tree, options.collect);
        server.stop();
    });
    server.run();
    house.join();
    return 0;
}

}  // namespace

int run(const Options& options) {
    check_exposure(options);
    Tree tree(options.root);
    if (options.gc) {
        const auto collected = collect(tree, options.collect);
        fmt::print("{} bytes, {} manifests, {} abandoned uploads\n", collected.bytes,
                   collected.manifests, collected.uploads);
        return 0;
    }
    Registry registry(tree, options.access);
    return options.stdio ? serve_stdio(registry) : serve_listener(tree, registry, options);
}

}  // namespace brig::registry::server
