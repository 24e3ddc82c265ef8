# Thin names for build_scripts/: one verb, one script.

.PHONY: build test test-torch test-tensorflow check bench bench-store bench-dashboard bench-billion soak profile gen demo screenshots clean

build:
	build_scripts/build

test:
	build_scripts/test

test-torch test-tensorflow: test-%:
	build_scripts/test_framework $*

check:
	build_scripts/check

bench:
	build_scripts/bench
	build_scripts/bench_store
	build_scripts/bench_dashboard

bench-store:
	build_scripts/bench_store

bench-dashboard:
	build_scripts/bench_dashboard --live-seconds 600

# bench-billion OUTPUT=FILE.json: takes most of an hour.
bench-billion:
	tests/bench/billion $(OUTPUT)

soak:
	build_scripts/soak

profile:
	build_scripts/profile

gen:
	build_scripts/gen

demo:
	build_scripts/demo

screenshots:
	build_scripts/screenshots

clean:
	rm -rf .venv .tools metrana/_lib go/dashboard/dist/assets go/dashboard/dist/index.html go/dashboard/web/node_modules
