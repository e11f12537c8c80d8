/// Manifests with every field that there was, and what version 0.1.0 stored of them, to the byte. Never edited: a later
/// version reads states that look like this.
struct StoredSpec: Sendable, CustomStringConvertible {
    var description: String
    var manifest: String
    /// The column `spec` of the table `model`.
    var spec: String

    static let all = [remote, process, container, registry]

    static let remote = StoredSpec(
        description: "remote",
        manifest: """
            ml:
              sources:
                s:
                  base_url: "http://localhost:5001"
                  models:
                    m:
                      endpoint: "/predict"
                      timeout: 30
                      headers: {Content-Type: "application/json", X-Tag: "a b"}
                      retry: true
                      keep_alive: 2.5
                      max_concurrency: unlimited
                      max_queue: 7

            """,
        spec: #"{"base_url":"http://localhost:5001","endpoint":"/predict","headers":{"Content-Type":"application"#
            + #"/json","X-Tag":"a b"},"keep_alive":2.5,"max_concurrency":"unlimited","max_queue":7,"retry":true,"#
            + #""timeout":30}"#)

    static let process = StoredSpec(
        description: "process",
        manifest: """
            ml:
              sources:
                s:
                  base_url: "http://localhost:5002"
                  models:
                    m:
                      endpoint: "/predict"
                      load: eager
                      load_timeout: 90
                      start_timeout: 10m
                      idle_timeout: 1h
                      max_concurrency: 4
                      update: resource
                      drain_timeout: 5
                      stop_timeout: 250ms
                      memory: 2GiB
                      pinned: true
                      readiness: {path: /health, status: 200-204, timeout: 1, interval: 2, failures: 4, owner: any}
                      liveness: {path: /live, status: 200, timeout: 3, interval: 6, failures: 5, owner: ours}
                      source:
                        type: local_artifact
                        path: /srv/models/churn
                        startup_command: "python -m serve --model './a b.pkl' --port ${PORT}"
                        host: 127.0.0.1
                        port: 8501
                        startup_delay: 1.5
                        environment: {OMP_NUM_THREADS: 2, TOKEN: "${file:/run/secrets/token}"}
                        inherit_environment: [PATH, HOME]
                        user: "nobody:nogroup"

            """,
        spec: #"{"base_url":"http://localhost:5002","drain_timeout":5,"endpoint":"/predict","idle_timeout":3600,"#
            + #""liveness":{"failures":5,"interval":6,"owner":"ours","path":"/live","status":"200","timeout":3},"#
            + #""load":"eager","load_timeout":90,"max_concurrency":4,"memory":2147483648,"pinned":true,"readines"#
            + #"s":{"failures":4,"interval":2,"kind":"http","owner":"any","path":"/health","status":"200-204","t"#
            + #"imeout":1},"source":{"environment":{"OMP_NUM_THREADS":"2","TOKEN":"${file:/run/secrets/token}"},"#
            + #""host":"127.0.0.1","inherit_environment":["PATH","HOME"],"path":"/srv/models/churn","port":8501,"#
            + #""startup_command":"python -m serve --model './a b.pkl' --port ${PORT}","startup_delay":1.5,"type"#
            + #"":"local_artifact","user":"nobody:nogroup"},"start_timeout":600,"stop_timeout":0.25,"update":"re"#
            + #"source"}"#)

    static let container = StoredSpec(
        description: "container",
        manifest: """
            ml:
              sources:
                s:
                  models:
                    m:
                      load: on_demand
                      idle_timeout: never
                      update: availability
                      readiness: {tcp: true, interval: 1}
                      source:
                        type: docker
                        image: "registry.example.com:5000/team/scorer:1.0"
                        registry_auth: "robot:${env:PASSWORD}"
                        pull: always
                        host_port: 8502
                        container_port: 8000
                        environment: {LOG_LEVEL: "INFO"}
                        volumes: {/srv/data: "/data:ro", /srv/out: /out}
                        command: [serve, "--verbose"]
                        user: 1000
                        gpus: all
                        memory: 1GiB
                        cpus: 0.5
                        shm_size: 64MiB
                        capabilities: {add: [SYS_NICE, CHOWN]}
                        read_only: true
                        init: false
                        privileged: false
                        new_privileges: true
                        pids_limit: unlimited
                        docker_socket: false
                        startup_delay: 8

            """,
        spec: #"{"idle_timeout":"never","load":"on_demand","readiness":{"interval":1,"kind":"tcp"},"source":{"ca"#
            + #"pabilities_add":["SYS_NICE","CHOWN"],"command":["serve","--verbose"],"container_memory":10737418"#
            + #"24,"container_port":8000,"cpus":0.5,"docker_socket":false,"environment":{"LOG_LEVEL":"INFO"},"gp"#
            + #"us":"all","host_port":8502,"image":"registry.example.com:5000/team/scorer:1.0","init":false,"new"#
            + #"_privileges":true,"pids_limit":"unlimited","privileged":false,"pull":"always","read_only":true,""#
            + #"registry_auth":"robot:${env:PASSWORD}","shm_size":67108864,"startup_delay":8,"type":"docker","us"#
            + #"er":"1000","volumes":{"/srv/data":"/data:ro","/srv/out":"/out"}},"update":"availability"}"#)

    static let registry = StoredSpec(
        description: "registry",
        manifest: """
            ml:
              sources:
                s:
                  models:
                    m:
                      readiness: none
                      source:
                        type: ecr
                        repository: ml-models/scorer
                        digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                        region: us-east-1
                        registry: 123456789012.dkr.ecr.us-east-1.amazonaws.com
                        container_port: 8000
                        pull: false
                        pids_limit: 10

            """,
        spec: #"{"readiness":{"kind":"none"},"source":{"container_port":8000,"digest":"sha256:0123456789abcdef01"#
            + #"23456789abcdef0123456789abcdef0123456789abcdef","pids_limit":10,"pull":"never","region":"us-east"#
            + #"-1","registry":"123456789012.dkr.ecr.us-east-1.amazonaws.com","repository":"ml-models/scorer","t"#
            + #"ype":"ecr"}}"#)
}
