/// The examples of `model-loading-strategies.md`, byte for byte.
enum DocumentExamples {
    static let http = #"""
        ml:
          sources:
            http_model:
              base_url: "http://localhost:5001"
              models:
                default:
                  endpoint: "/predict"
                  timeout: 30
                  headers:
                    Content-Type: "application/json"
        """# + "\n"

    static let localArtifact = #"""
        ml:
          sources:
            local_artifact_model:
              base_url: "http://localhost:5002"  # Fallback if loading fails
              models:
                default:
                  endpoint: "/predict"
                  source:
                    type: "local_artifact"
                    path: "./models/local_model"  # Path to model artifacts
                    startup_command: "python -m app.serve --model_path ./model.pkl --port 8501"
                    host: "localhost"
                    port: 8501
                    startup_delay: 5  # Seconds to wait for model to start
        """# + "\n"

    static let docker = #"""
        ml:
          sources:
            docker_model:
              base_url: "http://localhost:5003"  # Fallback if loading fails
              models:
                default:
                  endpoint: "/predict"
                  source:
                    type: "docker"
                    image: "ml-model-service:latest"
                    pull: true  # Set to false to use local image only
                    host_port: 8502
                    container_port: 8000
                    environment:
                      MODEL_PATH: "/app/models/model.pkl"
                      LOG_LEVEL: "INFO"
                    volumes:
                      "./models": "/app/models"  # Host path: container path
                    startup_delay: 8
        """# + "\n"

    static let ecr = #"""
        ml:
          sources:
            ecr_model:
              base_url: "http://localhost:5004"  # Fallback if loading fails
              models:
                default:
                  endpoint: "/predict"
                  source:
                    type: "ecr"
                    repository: "ml-models/prediction-service"
                    tag: "latest"
                    region: "us-east-1"
                    host_port: 8503
                    container_port: 8000
                    environment:
                      MODEL_TYPE: "production"
                    startup_delay: 10
        """# + "\n"
}
