import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { ViewsService } from "../gen/metrana/views/v1/views_service_pb";
import { QueryService } from "../gen/metrana_protobuf/query/v1/svc/query_service_pb";

/** How the server is reached. */
export const transport = createConnectTransport({
  baseUrl: window.location.origin,
  useBinaryFormat: true,
});

/** What the public service answers. */
export const queries = createClient(QueryService, transport);

/** What is answered in the shape of a page. */
export const views = createClient(ViewsService, transport);
