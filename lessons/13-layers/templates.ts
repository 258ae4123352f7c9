// The JSON files of an image as the learner finds them. Words in capitals are to be replaced; `sizes` are numbers, so they
// stand without quotes, and the files are JSON only when they are complete.

const V1 = 'application/vnd.oci.image'

export const config = (): string => `{
  "architecture": "ARCHITECTURE",
  "os": "linux",
  "config": {
    "Env": ["PATH=/bin", "HELLO=WORD"],
    "Cmd": ["/bin/greet"]
  },
  "rootfs": {
    "type": "layers",
    "diff_ids": [
      "sha256:BASE",
      "sha256:CHANGES"
    ]
  }
}`

export const manifest = (): string => `{
  "schemaVersion": 2,
  "mediaType": "${V1}.manifest.v1+json",
  "config": {
    "mediaType": "${V1}.config.v1+json",
    "digest": "sha256:CONFIG_DIGEST",
    "size": CONFIG_SIZE
  },
  "layers": [
    {
      "mediaType": "${V1}.layer.v1.tar+gzip",
      "digest": "sha256:BASE_DIGEST",
      "size": BASE_SIZE
    },
    {
      "mediaType": "${V1}.layer.v1.tar+gzip",
      "digest": "sha256:CHANGES_DIGEST",
      "size": CHANGES_SIZE
    }
  ]
}`

/** `name`: what the image is called. */
export const index = (name: string): string => `{
  "schemaVersion": 2,
  "mediaType": "${V1}.index.v1+json",
  "manifests": [
    {
      "mediaType": "${V1}.manifest.v1+json",
      "digest": "sha256:MANIFEST_DIGEST",
      "size": MANIFEST_SIZE,
      "annotations": {
        "org.opencontainers.image.ref.name": "${name}"
      }
    }
  ]
}`
