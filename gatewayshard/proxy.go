package gatewayshard

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/discordpkg/gateway/internal/frame"
)

// throughProxy opens a TCP connection to addr, through the proxy for target if
// there is one.
func (c Config) throughProxy(ctx context.Context, network, addr, target string) (net.Conn, error) {
	proxy, err := c.proxyFor(target)
	if err != nil {
		return nil, err
	}
	if proxy == nil {
		return c.NetDial(ctx, network, addr)
	}
	conn, err := c.dialProxy(ctx, network, proxy)
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", proxy.Host, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err = tunnel(conn, addr, proxy.User)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("proxy %s: %w", proxy.Host, err)
	}
	return conn, nil
}

func (c Config) proxyFor(target string) (*url.URL, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "wss":
		u.Scheme = "https"
	case "ws":
		u.Scheme = "http"
	}
	return c.Proxy(&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{}})
}

func (c Config) dialProxy(ctx context.Context, network string, proxy *url.URL) (net.Conn, error) {
	ports := map[string]string{"http": "80", "https": "443"}
	port, ok := ports[proxy.Scheme]
	if !ok {
		return nil, fmt.Errorf("unsupported scheme %q: only http and https proxies are", proxy.Scheme)
	}
	if p := proxy.Port(); p != "" {
		port = p
	}
	conn, err := c.NetDial(ctx, network, net.JoinHostPort(proxy.Hostname(), port))
	if err != nil || proxy.Scheme == "http" {
		return conn, err
	}
	return c.tlsClient(conn, proxy.Hostname()), nil
}

// tunnel asks a proxy to connect to addr.
//
// https://www.rfc-editor.org/rfc/rfc9110#name-connect
func tunnel(conn net.Conn, addr string, user *url.Userinfo) error {
	request := &http.Request{
		Method: http.MethodConnect,
		URL:    &url.URL{Opaque: addr},
		Host:   addr,
		Header: http.Header{},
	}
	if user != nil {
		password, _ := user.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		request.Header.Set("Proxy-Authorization", "Basic "+credentials)
	}
	if err := request.Write(conn); err != nil {
		return err
	}
	response, reader, err := frame.ReadAnswer(conn, request)
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%d %s", response.StatusCode, http.StatusText(response.StatusCode)) // not in the words of the proxy
	}
	if reader.Buffered() > 0 {
		return errors.New("the gateway spoke before it was asked")
	}
	return nil
}
