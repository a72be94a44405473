"""Any SPARQL server as the store: the shared suite on two real ones."""

import contextlib

import pytest
import servers

from mlaoi_graph.stores.sparql import SparqlStore
from mlaoi_graph.testing import StoreSuite

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture(scope="session")
def oxigraph(tmp_path_factory):
    server = servers.start_oxigraph(tmp_path_factory.mktemp("oxigraph"))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def virtuoso(tmp_path_factory):
    if servers.VIRTUOSO is None:
        pytest.skip("no Virtuoso: apt-get install virtuoso-opensource-7-bin")
    server = servers.start_virtuoso(tmp_path_factory.mktemp("virtuoso"))
    yield server
    server.kill()


def opened(server, **more):
    return SparqlStore(server.query, update=server.update, auth=server.auth, **more)


class TestOxigraphServer(StoreSuite):
    @pytest.fixture
    def store(self, oxigraph):
        oxigraph.wipe()
        with contextlib.closing(opened(oxigraph)) as store:
            yield store


class TestVirtuoso(StoreSuite):
    @pytest.fixture
    def store(self, virtuoso):
        virtuoso.wipe()
        with contextlib.closing(opened(virtuoso)) as store:
            yield store
