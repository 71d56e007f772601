#include "os/linux/nftables.h"

#include <linux/netlink.h>
#include <malloc.h>
#include <nftables/libnftables.h>
#include <sys/socket.h>

#include <memory>
#include <mutex>

#include "base/defer.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/strings.h"

namespace brig::os::linux_net {
namespace {

/// libnftables ends the whole process when it cannot open its socket.
void check_netfilter() {
    const Fd probe(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    if (!probe) {
        throw Error(
            ErrorKind::not_implemented,
            "this kernel has no nftables (modules nfnetlink and nf_tables), which networks need");
    }
}

/// nft's message without the repeated command and the markers beneath it.
std::string first_line(std::string_view text) {
    return std::string(trim(text.substr(0, text.find('\n'))));
}

/// A command leaves half a megabyte of freed pieces behind in this thread's heap.
void return_memory() {
#ifdef __GLIBC__
    ::malloc_trim(0);
#endif
}

}  // namespace

std::string run_nft(const std::string& commands) {
    static std::mutex library;  // the parser's tables are shared
    const std::lock_guard lock(library);
    const Defer trim_heap(return_memory);
    check_netfilter();
    const std::unique_ptr<nft_ctx, decltype(&nft_ctx_free)> context(nft_ctx_new(NFT_CTX_DEFAULT),
                                                                    nft_ctx_free);
    if (!context) throw Error(ErrorKind::internal, "start libnftables: out of memory");
    nft_ctx_buffer_output(context.get());
    nft_ctx_buffer_error(context.get());
    nft_ctx_output_set_flags(context.get(), NFT_CTX_OUTPUT_HANDLE);
    if (nft_run_cmd_from_buffer(context.get(), commands.c_str()) != 0) {
        throw Error(ErrorKind::internal, "nftables: {}",
                    first_line(nft_ctx_get_error_buffer(context.get())));
    }
    return nft_ctx_get_output_buffer(context.get());
}

}  // namespace brig::os::linux_net
