"""To which addresses and URLs the server sends what others ask for: public ones, and those that the operator names."""

from ipaddress import ip_address

import pytest
from headrace_server.domain.addresses import fault_of_url, is_allowed, is_listed, networks

PRIVATE = networks(["10.1.0.0/16", "fd00:1::/32", "127.0.0.1"])
PUBLIC = [
    "93.184.216.34",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "::ffff:1.1.1.1",  # mapped
    "64:ff9b::1.1.1.1",  # NAT64
    "2002:101:101::1",  # 6to4 of 1.1.1.1
]
REFUSED = [
    "0.0.0.0",
    "127.0.0.1",
    "127.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # the metadata of a cloud
    "100.64.0.1",  # of providers
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2001:db8::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "2001:0:7f00:1::1",  # Teredo
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_sent_to(address: str) -> None:
    assert is_allowed(ip_address(address), ())
    assert not is_listed(ip_address(address), PRIVATE)


@pytest.mark.parametrize("address", REFUSED)
def test_others_are_not(address: str) -> None:
    assert not is_allowed(ip_address(address), ())
    assert not is_allowed(ip_address(address), networks(["198.51.100.0/24", "fd00:9::/32"]))


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5", "127.0.0.1"])
def test_the_networks_of_the_operator_are_sent_to(address: str) -> None:
    assert is_allowed(ip_address(address), PRIVATE)
    assert is_listed(ip_address(address), PRIVATE)


@pytest.mark.parametrize("address", ["10.2.0.1", "127.0.0.2", "fd00:2::1", "64:ff9b::10.1.0.1", "2002:a01:1::1"])
def test_and_nothing_beside_them(address: str) -> None:
    assert not is_allowed(ip_address(address), PRIVATE)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/a/b?c=d",
        "https://xn--bcher-kva.example/",
        "https://1.1.1.1/",
        "https://[2606:4700:4700::1111]/",
    ],
)
def test_urls_that_will_do(url: str) -> None:
    assert fault_of_url(url, ()) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "https://"),
        ("example.com", "https://"),
        ("ftp://example.com", "https://"),
        ("file:///etc/passwd", "https://"),
        ("https://", "host"),
        ("https:///path", "host"),
        ("https://example.com:0/", "host"),
        ("https://example.com:99999/", "no URL"),
        ("https://[::1", "no URL"),
        ("https://me:secret@example.com/", "user"),
        ("https://example.com@10.0.0.1/", "user"),
        ("https://example.com/#here", "fragment"),
        ("https://example.com/a b", "spaces"),
        ("https://example.com/a\nb", "spaces"),
        ("https://example.com\\@10.0.0.1/", "spaces"),
        ("https://bücher.example/", "Punycode"),
        ("http://example.com/", "HEADRACE_WEBHOOK_NETWORKS"),
        ("https://127.0.0.1/", "not public"),
        ("https://[::1]:8443/", "not public"),
        ("https://169.254.169.254/latest/meta-data/", "not public"),
    ],
)
def test_urls_that_will_not(url: str, why: str) -> None:
    assert why in str(fault_of_url(url, ()))


def test_http_is_for_the_networks_of_the_operator() -> None:
    assert fault_of_url("http://10.1.0.1/", PRIVATE) is None
    assert fault_of_url("http://name.test/", PRIVATE) is None  # looked at when it is looked up
    assert "https://" in str(fault_of_url("http://1.1.1.1/", PRIVATE))
    assert "not public" in str(fault_of_url("http://10.2.0.1/", PRIVATE))
