/** Networks, as the Docker Engine API 1.47 speaks of them. */

export interface NetworkEndpoint {
  Name: string;
  EndpointID: string;
  MacAddress: string;
  /** With its prefix length: `172.17.0.2/16`. */
  IPv4Address: string;
  IPv6Address: string;
}

/** `GET /networks/{id}`, and one row of `GET /networks`, where `Containers` is always empty. */
export interface NetworkInspect {
  Name: string;
  Id: string;
  Created: string;
  Scope: 'local';
  Driver: string;
  EnableIPv6: boolean;
  IPAM: {
    Driver: string;
    Options: Record<string, string> | null;
    Config: { Subnet: string; Gateway: string }[];
  };
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigFrom: { Network: string };
  ConfigOnly: boolean;
  Containers: Record<string, NetworkEndpoint>;
  Options: Record<string, string>;
  Labels: Record<string, string>;
}
