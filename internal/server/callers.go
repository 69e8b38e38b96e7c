package server

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// admit refuses the pages of other sites, admits callers on loopback, and asks Admit about all others.
func (s *Server) admit(r *http.Request) error {
	if err := sameSite(r); err != nil {
		return refusal{http.StatusForbidden, fmt.Sprintf("Forbidden: %v", err)}
	}
	if s.Admit == nil || local(r) {
		return nil
	}
	return s.Admit(r)
}

var errOtherSite = errors.New("the request was made by a page of another site; " +
	"call the API from a program, or type the address into the browser")

// sameSite refuses what a browser sends for a page of another site, whatever the method: a GET runs user code, too, and
// http.CrossOriginProtection leaves GET, HEAD and OPTIONS alone. Programs that are not browsers send none of these headers.
//
// Browsers send Sec-Fetch-Site to https and to loopback, and an Origin with every POST and with a GET that wants to read
// the answer. A browser from before 2023 may send no more than a Referer with an image.
func sameSite(r *http.Request) error {
	sites := r.Header.Values("Sec-Fetch-Site")
	for _, site := range sites {
		if site != "same-origin" && site != "none" {
			return errOtherSite
		}
	}
	pages := r.Header.Values("Origin")
	if len(sites) == 0 {
		pages = slices.Concat(pages, r.Header.Values("Referer"))
	}
	for _, page := range pages {
		if address, err := url.Parse(page); err != nil || !strings.EqualFold(address.Host, r.Host) {
			return errOtherSite
		}
	}
	return nil
}

// local reports whether a caller is on loopback. One that a proxy speaks for is elsewhere, whatever the proxy says where. So
// is the page of a site whose name or address leads to loopback.
func local(r *http.Request) bool {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	forwarded := len(r.Header.Values("Forwarded"))+len(r.Header.Values("X-Forwarded-For")) > 0
	return err == nil && address.Addr().Unmap().IsLoopback() && !forwarded && namesLoopback(r.Host)
}

// namesLoopback reports whether a Host is localhost, a loopback address, or missing, which it never is in a browser's
// request. Other addresses lead to loopback as well, such as 0.0.0.0, ::ffff:127.0.0.1 and that of a machine that forwards a
// port; but to those no browser says with Sec-Fetch-Site which page a request is for.
func namesLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback() && !address.Is4In6() || host == "" || strings.EqualFold(host, "localhost")
}
