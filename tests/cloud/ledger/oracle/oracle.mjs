// Metaplex's own packages answer: node oracle.mjs PACKAGES <questions.json >answers.json
//
// PACKAGES is a folder of node_modules. Both sides are JSON lists; bytes are hex.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const load = createRequire(join(process.argv[2], "here.js"));
const bubblegum = load("@metaplex-foundation/mpl-bubblegum");
const core = load("@metaplex-foundation/mpl-core");
const { lamports, none, publicKey, publicKeyBytes, some } = load("@metaplex-foundation/umi");
const { ed25519 } = load("@noble/curves/ed25519");
const { sha256 } = load("@noble/hashes/sha256");

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"));
const key = (text) => publicKey(bytes(text));

const onCurve = (point) => {
  try {
    ed25519.ExtendedPoint.fromHex(point);
    return true;
  } catch {
    return false;
  }
};

// What umi's signer plug-in does, without Solana's client: the first bump that is off the curve.
const findPda = (program, seeds) => {
  for (let bump = 255; bump >= 0; bump -= 1) {
    const parts = [...seeds, [bump], publicKeyBytes(program), Buffer.from("ProgramDerivedAddress")];
    const point = sha256(Buffer.concat(parts.map((part) => Buffer.from(part))));
    if (!onCurve(point)) return [publicKey(point), bump];
  }
  throw new Error("no address");
};

const context = {
  eddsa: { findPda },
  programs: { getPublicKey: (_, given) => publicKey(given) },
};

const creators = (list) =>
  list.map(({ address, verified, share }) => ({ address: key(address), verified, share }));

const metadata = (given) => ({
  name: given.name,
  symbol: given.symbol,
  uri: given.uri,
  sellerFeeBasisPoints: given.royalty,
  primarySaleHappened: given.sold,
  isMutable: given.mutable,
  tokenStandard: some(bubblegum.TokenStandard.NonFungible),
  creators: creators(given.creators),
});

const v1 = (given) => ({
  ...metadata(given),
  editionNonce: none(),
  uses: none(),
  tokenProgramVersion: bubblegum.TokenProgramVersion.Original,
  collection: given.collection
    ? some({ key: key(given.collection), verified: given.verified })
    : none(),
});

const v2 = (given) => ({
  ...metadata(given),
  collection: given.collection ? some(key(given.collection)) : none(),
});

const leaf = (given) => {
  const second = given.schema === "v2";
  const described = second ? v2(given) : v1(given);
  const input = {
    merkleTree: key(given.tree),
    leafIndex: given.nonce,
    owner: key(given.owner),
    delegate: key(given.delegate),
    metadata: described,
    flags: given.flags,
  };
  const serializer = second
    ? bubblegum.getMetadataArgsV2Serializer()
    : bubblegum.getMetadataArgsSerializer();
  const dataHash = second ? bubblegum.hashMetadataDataV2 : bubblegum.hashMetadataData;
  const hashed = second ? bubblegum.hashLeafV2 : bubblegum.hashLeaf;
  return {
    id: hex(publicKeyBytes(bubblegum.findLeafAssetIdPda(context, input)[0])),
    encoded: hex(serializer.serialize(described)),
    data: hex(dataHash(described)),
    creators: hex(bubblegum.hashMetadataCreators(described.creators)),
    leaf: hex(hashed(context, input)),
  };
};

const proof = ({ leaves, depth, index }) => {
  const keys = leaves.map(key);
  return {
    root: hex(publicKeyBytes(bubblegum.getMerkleRoot(keys, depth))),
    nodes: bubblegum
      .getMerkleProofAtIndex(keys, depth, index)
      .map((node) => hex(publicKeyBytes(node))),
  };
};

const collection = ({ address, account }) => {
  const read = core.deserializeCollectionV1({
    publicKey: key(address),
    owner: publicKey("CoREENxT6tW1HoK8ypY1SxRMZTcVPm7R94rH4PZNhX7d"),
    executable: false,
    lamports: lamports(1),
    data: bytes(account),
  });
  const by = ({ authority }) => `${authority.type} ${authority.address ?? ""}`.trim();
  return {
    authority: hex(publicKeyBytes(read.updateAuthority)),
    name: read.name,
    uri: read.uri,
    minted: read.numMinted,
    size: read.currentSize,
    bubblegum: by(read.bubblegumV2),
    freeze: by(read.permanentFreezeDelegate),
    frozen: read.permanentFreezeDelegate.frozen,
    transfer: by(read.permanentTransferDelegate),
    burn: by(read.permanentBurnDelegate),
  };
};

const creation = ({ data }) => {
  const serializer = core.getCreateCollectionV2InstructionDataSerializer();
  const [read] = serializer.deserialize(bytes(data));
  return {
    name: read.name,
    uri: read.uri,
    plugins: read.plugins.value.map(({ plugin }) => plugin.__kind),
    again: hex(serializer.serialize(read)),
  };
};

const answers = { leaf, proof, collection, creation };
const questions = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(questions.map((asked) => answers[asked.ask](asked))));
