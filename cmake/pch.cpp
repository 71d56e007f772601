// Carries the precompiled headers; see Options.cmake.
