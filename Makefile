# Every target only calls a script, so that GNU make and BSD make behave alike.
# `make demo` shows Brig at work on a bare machine; `make test` checks all of it.

all: build

build:
	scripts/build release

demo:
	scripts/demo

test:
	scripts/test

bench:
	scripts/bench

soak:
	scripts/soak

freebsd:
	scripts/build freebsd
	scripts/build freebsd-arm64

freebsd-package:
	scripts/freebsd-package freebsd-release
	scripts/freebsd-package freebsd-arm64-release

format:
	scripts/format

lint:
	scripts/lint

install:
	scripts/install

clean:
	rm -rf build

.PHONY: all build demo test bench soak freebsd freebsd-package format lint install clean
