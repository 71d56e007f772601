// Where an image is read from: mirrors of its registry, as far as there are any, and the registry.
#pragma once

#include <atomic>
#include <list>
#include <string>

#include "registry/repository.h"

namespace brig::registry {

/// Each function asks one place after the other until one has what is wanted, and throws what the
/// registry itself said. Thread-safe.
class Source {
public:
    /// The credentials are the registry's own: no mirror gets them.
    Source(const Settings& settings, const oci::Reference& name, Credentials credentials,
           const Cancelled& cancelled = {});

    /// As Repository's.
    Document manifest(const std::string& tag_or_digest);
    Document manifest(const oci::Descriptor& announced);
    void fetch_blob(const oci::Descriptor& blob, content::Store& store, const Counter& received);

private:
    struct Copy {
        Copy(const Mirror& mirror, const Settings& settings, const oci::Reference& name,
             const Cancelled& cancelled);
        std::string where;  ///< for the log
        Repository repository;
        std::atomic<bool> given_up = false;
    };
    template <typename Work>
    auto from_first(Work work);

    std::list<Copy> copies_;
    Repository origin_;
};

}  // namespace brig::registry
