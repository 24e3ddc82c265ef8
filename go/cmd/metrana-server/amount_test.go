package main

import "testing"

func TestAmounts(t *testing.T) {
	is := func(text string, want amount, again string) {
		t.Helper()
		var a amount
		if err := a.Set(text); err != nil || a != want || a.String() != again {
			t.Errorf("%q: %d %q, %v; want %d %q", text, a, a.String(), err, want, again)
		}
	}
	is("10GB", 10_000_000_000, "10GB")
	is("0", 0, "0B")
	is("1500", 1500, "1500B")
	is("0.5 tb", 500_000_000_000, "500GB")
	is("1.5kB", 1500, "1500B")
	is("20MB", 20_000_000, "20MB")
	for _, text := range []string{"", "GB", "-1GB", "1EB", "1e300TB", "NaN", "Inf", "10 G B", "ten"} {
		var a amount
		if err := a.Set(text); err == nil {
			t.Errorf("%q was taken as %d", text, a)
		}
	}
}
