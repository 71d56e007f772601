// Links and namespaces made ahead of need, in the background.
#include "base/defer.h"
#include "network/impl.h"

namespace brig::network {

void Networks::Impl::refill() {
    if (config.pool == 0 || refill_posted.exchange(true)) return;
    worker.post([this] {
        refill_posted = false;
        while (stock_bare()) {
        }
        make_ready();
        while (stock_one()) {
        }
    });
}

/// False when there are enough.
bool Networks::Impl::stock_one() {
    Endpoint endpoint;
    {
        const std::lock_guard lock(mutex);
        if (stocked.size() >= config.pool || addresses.available() < 4UL * config.pool)
            return false;
        endpoint.address = {addresses.take(), config.gateway.prefix};
    }
    Defer give_back([&] { free_address(endpoint); });
    endpoint.mac = MacAddress::for_address(endpoint.address.address);
    endpoint.address6 = address6_of(endpoint.address.address);
    if (endpoint.address6) endpoint.gateway6 = config.gateway6->address;
    if (!stack->stock(link_spec(endpoint))) return false;
    give_back.dismiss();
    const std::lock_guard lock(mutex);
    stocked.push_back(endpoint.address.address);
    return true;
}

bool Networks::Impl::stock_bare() {
    {
        const std::lock_guard lock(mutex);
        if (!bare_wanted || bare.size() >= config.pool) return false;
    }
    Fd sandbox = stack->bare_sandbox();
    if (!sandbox) return false;
    const std::lock_guard lock(mutex);
    bare.push_back(std::move(sandbox));
    return true;
}

void Networks::Impl::drop_stock() {
    stack->drop_stock();
    const std::lock_guard lock(mutex);
    bare.clear();
    for (const auto& address : stocked) addresses.release(address);
    stocked.clear();
}

Fd Networks::isolate() {
    Fd sandbox;
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->bare_wanted = true;
        if (!impl_->bare.empty()) {
            sandbox = std::move(impl_->bare.back());
            impl_->bare.pop_back();
        }
    }
    if (!sandbox) sandbox = impl_->stack->bare_sandbox();
    impl_->refill();
    return sandbox;
}

}  // namespace brig::network
