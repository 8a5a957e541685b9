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
    Config: { Subnet: string; Gateway: string; IPRange?: string; AuxiliaryAddresses?: Record<string, string> }[];
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

/** The body of `POST /networks/create`. */
export interface NetworkCreate {
  Name?: string;
  Driver?: string;
  Scope?: string;
  Internal?: boolean;
  Attachable?: boolean;
  Ingress?: boolean;
  ConfigOnly?: boolean;
  ConfigFrom?: { Network?: string };
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  IPAM?: {
    Driver?: string;
    Config?: {
      Subnet?: string;
      IPRange?: string;
      Gateway?: string;
      AuxiliaryAddresses?: Record<string, string>;
    }[];
    Options?: Record<string, string>;
  };
  Options?: Record<string, string>;
  Labels?: Record<string, string>;
}

export interface NetworkCreated {
  Id: string;
  Warning: string;
}

/** What a client can say of a container's place on a network. */
export interface EndpointConfig {
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] };
  Aliases?: string[];
  Links?: string[];
  MacAddress?: string;
  DriverOpts?: Record<string, string>;
  GwPriority?: number;
}

/** The body of `POST /networks/{id}/connect`. */
export interface NetworkConnect {
  Container: string;
  EndpointConfig?: EndpointConfig;
}

/** The body of `POST /networks/{id}/disconnect`. */
export interface NetworkDisconnect {
  Container: string;
  Force?: boolean;
}
