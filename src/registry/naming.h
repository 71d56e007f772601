// Who was at fault, in front of what was wrong. Private to this layer.
#pragma once

#include "registry/repository.h"

namespace brig::registry {

template <typename Work>
auto Repository::named(Work work) {
    try {
        return work();
    } catch (const RegistryError&) {
        throw;  // the registry's own words, which callers look at
    } catch (const TransportError&) {
        throw;  // says where
    } catch (const Error& e) {
        if (e.kind() == ErrorKind::cancelled || e.kind() == ErrorKind::permission_denied) throw;
        throw e.within(fmt::format("registry {}, repository {}", registry(), path_));
    }
}

}  // namespace brig::registry
