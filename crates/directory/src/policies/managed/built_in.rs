//! The managed policies that come with Bailiwick: a table of names, and one file of JSON for each in `policies`.
//!
//! The names, paths and purposes are AWS's, so that scripts and templates that name them work. The documents are our
//! own: they allow what the purpose needs, in every partition.

/// A policy that comes with Bailiwick.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinPolicy {
    /// The path before its name, as in AWS.
    pub path: &'static str,
    /// Its name, as in AWS.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The document.
    pub document: &'static str,
}

macro_rules! builtin {
    ($path:literal, $name:literal, $description:literal) => {
        BuiltinPolicy {
            path: $path,
            name: $name,
            description: $description,
            document: include_str!(concat!("policies/", $name, ".json")),
        }
    };
}

/// The policies that come with Bailiwick, by name without regard to case.
pub const BUILTIN_POLICIES: &[BuiltinPolicy] = &[
    builtin!("/", "AdministratorAccess", "Allows everything in the account."),
    builtin!("/", "AmazonAPIGatewayAdministrator", "Allows everything with interfaces at the gateway."),
    builtin!("/", "AmazonAPIGatewayInvokeFullAccess", "Allows calling every interface at the gateway."),
    builtin!("/service-role/", "AmazonAPIGatewayPushToCloudWatchLogs", "Allows the gateway to write its logs."),
    builtin!("/", "AmazonAthenaFullAccess", "Allows everything with queries on stored objects."),
    builtin!("/", "AmazonBedrockFullAccess", "Allows everything with foundation models."),
    builtin!("/", "AmazonCognitoPowerUser", "Allows everything with pools of users and of identities."),
    builtin!("/", "AmazonDynamoDBFullAccess", "Allows everything in key-value tables."),
    builtin!("/", "AmazonDynamoDBReadOnlyAccess", "Allows reading everything in key-value tables."),
    builtin!(
        "/service-role/",
        "AmazonEBSCSIDriverPolicy",
        "Allows the disk driver of a Kubernetes cluster to manage disks and their snapshots."
    ),
    builtin!(
        "/",
        "AmazonEC2ContainerRegistryFullAccess",
        "Allows everything with container images and their repositories."
    ),
    builtin!(
        "/",
        "AmazonEC2ContainerRegistryPowerUser",
        "Allows pulling and pushing container images, but not deleting them."
    ),
    builtin!("/", "AmazonEC2ContainerRegistryPullOnly", "Allows pulling container images."),
    builtin!("/", "AmazonEC2ContainerRegistryReadOnly", "Allows pulling container images and seeing what there is."),
    builtin!(
        "/service-role/",
        "AmazonEC2ContainerServiceAutoscaleRole",
        "Allows scaling the services of a cluster by alarms."
    ),
    builtin!("/service-role/", "AmazonEC2ContainerServiceEventsRole", "Allows events to start tasks."),
    builtin!(
        "/service-role/",
        "AmazonEC2ContainerServiceforEC2Role",
        "Allows a virtual server to run tasks of a cluster."
    ),
    builtin!(
        "/service-role/",
        "AmazonEC2ContainerServiceRole",
        "Allows clusters to register tasks with load balancers."
    ),
    builtin!("/", "AmazonEC2FullAccess", "Allows everything in virtual servers."),
    builtin!("/", "AmazonEC2ReadOnlyAccess", "Allows reading everything in virtual servers."),
    builtin!(
        "/service-role/",
        "AmazonEC2SpotFleetTaggingRole",
        "Allows fleets of spare servers to start, tag and end servers."
    ),
    builtin!("/", "AmazonECS_FullAccess", "Allows everything with clusters, services and tasks, and what they run on."),
    builtin!(
        "/service-role/",
        "AmazonECSTaskExecutionRolePolicy",
        "Allows the agent of a task to pull images and to write its logs."
    ),
    builtin!("/", "AmazonEKS_CNI_Policy", "Allows the network plugin of a Kubernetes node to give addresses to pods."),
    builtin!(
        "/",
        "AmazonEKSClusterPolicy",
        "Allows a Kubernetes control plane to manage servers, disks and load balancers of its cluster."
    ),
    builtin!("/", "AmazonEKSFargatePodExecutionRolePolicy", "Allows pods without servers of one's own to pull images."),
    builtin!("/", "AmazonEKSServicePolicy", "Allows a Kubernetes service to manage what its clusters need."),
    builtin!(
        "/",
        "AmazonEKSVPCResourceController",
        "Allows a Kubernetes control plane to manage network interfaces of its nodes."
    ),
    builtin!("/", "AmazonEKSWorkerNodePolicy", "Allows a virtual server to join a Kubernetes cluster."),
    builtin!("/", "AmazonElastiCacheFullAccess", "Allows everything with caches."),
    builtin!("/", "AmazonElasticFileSystemFullAccess", "Allows everything with shared file systems."),
    builtin!(
        "/service-role/",
        "AmazonElasticMapReduceforEC2Role",
        "Allows the servers of a data processing cluster to read and write what they process."
    ),
    builtin!("/", "AmazonEventBridgeFullAccess", "Allows everything with events, schedules and pipes."),
    builtin!("/", "AmazonKinesisFirehoseFullAccess", "Allows everything with delivery streams."),
    builtin!("/", "AmazonKinesisFullAccess", "Allows everything with data streams."),
    builtin!("/", "AmazonKinesisReadOnlyAccess", "Allows reading everything in data streams."),
    builtin!("/service-role/", "AmazonRDSEnhancedMonitoringRole", "Allows databases to send detailed metrics."),
    builtin!("/", "AmazonRDSFullAccess", "Allows everything in relational databases."),
    builtin!("/", "AmazonRDSReadOnlyAccess", "Allows reading everything in relational databases."),
    builtin!("/", "AmazonRoute53FullAccess", "Allows everything with domain names and health checks."),
    builtin!("/", "AmazonRoute53ReadOnlyAccess", "Allows reading everything about domain names and health checks."),
    builtin!("/", "AmazonS3FullAccess", "Allows everything in object storage."),
    builtin!("/", "AmazonS3ReadOnlyAccess", "Allows reading everything in object storage."),
    builtin!("/", "AmazonSageMakerFullAccess", "Allows everything with machine learning, and what it runs on."),
    builtin!("/", "AmazonSESFullAccess", "Allows everything with e-mail."),
    builtin!("/", "AmazonSNSFullAccess", "Allows everything in notifications."),
    builtin!("/", "AmazonSNSReadOnlyAccess", "Allows reading everything in notifications."),
    builtin!("/", "AmazonSQSFullAccess", "Allows everything in queues."),
    builtin!("/", "AmazonSQSReadOnlyAccess", "Allows reading everything in queues."),
    builtin!("/", "AmazonSSMFullAccess", "Allows everything in Systems Manager."),
    builtin!("/service-role/", "AmazonSSMMaintenanceWindowRole", "Allows maintenance windows to run their tasks."),
    builtin!("/", "AmazonSSMManagedInstanceCore", "Allows a server to be managed by Systems Manager."),
    builtin!("/", "AmazonSSMReadOnlyAccess", "Allows reading everything in Systems Manager."),
    builtin!("/", "AmazonVPCFullAccess", "Allows everything with private networks, but not with the servers in them."),
    builtin!("/", "AmazonVPCReadOnlyAccess", "Allows reading everything in private networks."),
    builtin!("/", "AutoScalingFullAccess", "Allows everything with groups of servers that grow and shrink."),
    builtin!("/service-role/", "AWS_ConfigRole", "Allows recording how resources are set up."),
    builtin!("/service-role/", "AWSAppRunnerServicePolicyForECRAccess", "Allows a service to run container images."),
    builtin!(
        "/service-role/",
        "AWSBatchServiceRole",
        "Allows batch jobs to start, scale and end the servers that they run on."
    ),
    builtin!("/", "AWSCertificateManagerFullAccess", "Allows everything with certificates."),
    builtin!("/", "AWSCertificateManagerReadOnly", "Allows reading certificates, without private keys."),
    builtin!("/", "AWSCloudFormationFullAccess", "Allows everything with stacks, but not with what they create."),
    builtin!("/", "AWSCloudFormationReadOnlyAccess", "Allows reading everything about stacks."),
    builtin!("/", "AWSCloudTrail_FullAccess", "Allows everything with the audit trail, and with where it is kept."),
    builtin!("/", "AWSCloudTrail_ReadOnlyAccess", "Allows reading the audit trail."),
    builtin!("/", "AWSCodeBuildAdminAccess", "Allows everything with builds."),
    builtin!("/", "AWSCodeBuildDeveloperAccess", "Allows starting and seeing builds, but not setting them up."),
    builtin!("/", "AWSCodeBuildReadOnlyAccess", "Allows seeing builds."),
    builtin!("/", "AWSCodeCommitFullAccess", "Allows everything with code repositories."),
    builtin!("/", "AWSCodeCommitPowerUser", "Allows working with code repositories, but not deleting them."),
    builtin!("/service-role/", "AWSCodeDeployRole", "Allows deployments to change the servers that they deploy to."),
    builtin!("/", "AWSCodePipeline_FullAccess", "Allows everything with delivery pipelines."),
    builtin!(
        "/service-role/",
        "AWSElasticBeanstalkEnhancedHealth",
        "Allows supervising the environments of an application."
    ),
    builtin!(
        "/",
        "AWSElasticBeanstalkWebTier",
        "Allows the servers of a web application to keep logs and to send traces."
    ),
    builtin!(
        "/service-role/",
        "AWSGlueServiceRole",
        "Allows jobs that prepare data to run, and to keep their scripts and logs."
    ),
    builtin!("/", "AWSKeyManagementServicePowerUser", "Allows making and seeing keys, but not using or deleting them."),
    builtin!("/", "AWSLambda_FullAccess", "Allows everything with functions, and giving them roles."),
    builtin!("/", "AWSLambda_ReadOnlyAccess", "Allows reading functions."),
    builtin!("/service-role/", "AWSLambdaBasicExecutionRole", "Allows a function to write its logs."),
    builtin!(
        "/service-role/",
        "AWSLambdaDynamoDBExecutionRole",
        "Allows a function to read streams of key-value tables and to write its logs."
    ),
    builtin!("/", "AWSLambdaExecute", "Allows a function to write its logs and to read and write objects."),
    builtin!(
        "/service-role/",
        "AWSLambdaKinesisExecutionRole",
        "Allows a function to read data streams and to write its logs."
    ),
    builtin!("/service-role/", "AWSLambdaRole", "Allows a service to call functions."),
    builtin!(
        "/service-role/",
        "AWSLambdaSQSQueueExecutionRole",
        "Allows a function to take messages from queues and to write its logs."
    ),
    builtin!(
        "/service-role/",
        "AWSLambdaVPCAccessExecutionRole",
        "Allows a function to write its logs and to work in a private network."
    ),
    builtin!("/", "AWSOrganizationsFullAccess", "Allows administering accounts and their organization."),
    builtin!("/", "AWSOrganizationsReadOnlyAccess", "Allows reading accounts and their organization."),
    builtin!("/", "AWSStepFunctionsFullAccess", "Allows everything with workflows."),
    builtin!("/", "AWSSupportAccess", "Allows asking for help and following the answers."),
    builtin!("/service-role/", "AWSTransferLoggingAccess", "Allows file transfers to write their logs."),
    builtin!("/", "AWSXRayDaemonWriteAccess", "Allows sending traces and reading sampling rules."),
    builtin!("/", "AWSXrayWriteOnlyAccess", "Allows sending traces and reading sampling rules."),
    builtin!("/job-function/", "Billing", "Allows reading and paying what the account costs."),
    builtin!("/", "CloudFrontFullAccess", "Allows everything with content delivery."),
    builtin!("/", "CloudFrontReadOnlyAccess", "Allows reading everything about content delivery."),
    builtin!("/", "CloudWatchAgentAdminPolicy", "Allows setting up the agent that sends metrics, traces and logs."),
    builtin!("/", "CloudWatchAgentServerPolicy", "Allows the agent on a server to send metrics, traces and logs."),
    builtin!("/", "CloudWatchEventsFullAccess", "Allows everything with events and schedules."),
    builtin!("/", "CloudWatchFullAccess", "Allows everything in metrics, alarms and logs."),
    builtin!("/", "CloudWatchLogsFullAccess", "Allows everything with logs."),
    builtin!("/", "CloudWatchLogsReadOnlyAccess", "Allows reading logs."),
    builtin!("/", "CloudWatchReadOnlyAccess", "Allows reading everything in metrics, alarms and logs."),
    builtin!("/job-function/", "DatabaseAdministrator", "Allows running databases and caches."),
    builtin!("/job-function/", "DataScientist", "Allows working with data: queries, clusters, notebooks, models."),
    builtin!("/", "ElasticLoadBalancingFullAccess", "Allows everything with load balancers."),
    builtin!("/", "ElasticLoadBalancingReadOnly", "Allows reading everything about load balancers."),
    builtin!("/", "IAMAccessAdvisorReadOnly", "Allows reading which services were used, by whom and when."),
    builtin!("/", "IAMFullAccess", "Allows everything in identity and access management."),
    builtin!("/", "IAMReadOnlyAccess", "Allows reading identities and policies."),
    builtin!(
        "/",
        "IAMSelfManageServiceSpecificCredentials",
        "Allows users to manage their own service-specific credentials."
    ),
    builtin!("/", "IAMUserChangePassword", "Allows users to change their own passwords."),
    builtin!("/", "IAMUserSSHKeys", "Allows users to manage their own SSH keys."),
    builtin!("/job-function/", "NetworkAdministrator", "Allows building and running networks."),
    builtin!("/", "PowerUserAccess", "Allows everything but to administer identities, accounts and organizations."),
    builtin!("/", "ReadOnlyAccess", "Allows reading everything, stored data included, and changing nothing."),
    builtin!("/", "SecretsManagerReadWrite", "Allows reading and writing secrets."),
    builtin!(
        "/",
        "SecurityAudit",
        "Allows an auditor to read how security is set up, without the data that it protects."
    ),
    builtin!("/job-function/", "SupportUser", "Allows finding out what is wrong, and asking for help."),
    builtin!("/job-function/", "SystemAdministrator", "Allows running servers, their storage and their supervision."),
    builtin!(
        "/job-function/",
        "ViewOnlyAccess",
        "Allows seeing which resources there are and how they are set up, without the data in them."
    ),
];
