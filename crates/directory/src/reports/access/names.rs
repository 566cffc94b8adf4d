//! The names of services, as AWS's service authorization reference has them.

/// Prefixes and names, by prefix.
const NAMES: &[(&str, &str)] = &[
    ("access-analyzer", "AWS IAM Access Analyzer"),
    ("account", "AWS Account Management"),
    ("acm", "AWS Certificate Manager"),
    ("acm-pca", "AWS Private Certificate Authority"),
    ("apigateway", "Amazon API Gateway Management"),
    ("appconfig", "AWS AppConfig"),
    ("application-autoscaling", "AWS Application Auto Scaling"),
    ("appsync", "AWS AppSync"),
    ("athena", "Amazon Athena"),
    ("autoscaling", "Amazon EC2 Auto Scaling"),
    ("backup", "AWS Backup"),
    ("bailiwick", "Bailiwick"),
    ("batch", "AWS Batch"),
    ("bedrock", "Amazon Bedrock"),
    ("budgets", "AWS Budget Service"),
    ("ce", "AWS Cost Explorer Service"),
    ("cloudformation", "AWS CloudFormation"),
    ("cloudfront", "Amazon CloudFront"),
    ("cloudtrail", "AWS CloudTrail"),
    ("cloudwatch", "Amazon CloudWatch"),
    ("codebuild", "AWS CodeBuild"),
    ("codecommit", "AWS CodeCommit"),
    ("codedeploy", "AWS CodeDeploy"),
    ("codepipeline", "AWS CodePipeline"),
    ("cognito-identity", "Amazon Cognito Identity"),
    ("cognito-idp", "Amazon Cognito User Pools"),
    ("config", "AWS Config"),
    ("dms", "AWS Database Migration Service"),
    ("ds", "AWS Directory Service"),
    ("dynamodb", "Amazon DynamoDB"),
    ("ec2", "Amazon EC2"),
    ("ecr", "Amazon Elastic Container Registry"),
    ("ecs", "Amazon Elastic Container Service"),
    ("eks", "Amazon Elastic Kubernetes Service"),
    ("elasticache", "Amazon ElastiCache"),
    ("elasticbeanstalk", "AWS Elastic Beanstalk"),
    ("elasticfilesystem", "Amazon Elastic File System"),
    ("elasticloadbalancing", "AWS Elastic Load Balancing"),
    ("elasticmapreduce", "Amazon Elastic MapReduce"),
    ("es", "Amazon OpenSearch Service"),
    ("events", "Amazon EventBridge"),
    ("firehose", "Amazon Kinesis Firehose"),
    ("fsx", "Amazon FSx"),
    ("glacier", "Amazon S3 Glacier"),
    ("glue", "AWS Glue"),
    ("guardduty", "Amazon GuardDuty"),
    ("health", "AWS Health APIs and Notifications"),
    ("iam", "AWS Identity and Access Management"),
    ("inspector2", "Amazon Inspector2"),
    ("iot", "AWS IoT"),
    ("kafka", "Amazon Managed Streaming for Apache Kafka"),
    ("kinesis", "Amazon Kinesis Data Streams"),
    ("kms", "AWS Key Management Service"),
    ("lakeformation", "AWS Lake Formation"),
    ("lambda", "AWS Lambda"),
    ("lightsail", "Amazon Lightsail"),
    ("logs", "Amazon CloudWatch Logs"),
    ("mq", "Amazon MQ"),
    ("organizations", "AWS Organizations"),
    ("pricing", "AWS Price List"),
    ("ram", "AWS Resource Access Manager"),
    ("rds", "Amazon RDS"),
    ("redshift", "Amazon Redshift"),
    ("route53", "Amazon Route 53"),
    ("route53domains", "Amazon Route 53 Domains"),
    ("s3", "Amazon S3"),
    ("sagemaker", "Amazon SageMaker"),
    ("secretsmanager", "AWS Secrets Manager"),
    ("securityhub", "AWS Security Hub"),
    ("servicecatalog", "AWS Service Catalog"),
    ("servicequotas", "Service Quotas"),
    ("ses", "Amazon SES"),
    ("shield", "AWS Shield"),
    ("sns", "Amazon SNS"),
    ("sqs", "Amazon SQS"),
    ("ssm", "AWS Systems Manager"),
    ("sso", "AWS IAM Identity Center"),
    ("states", "AWS Step Functions"),
    ("sts", "AWS Security Token Service"),
    ("support", "AWS Support"),
    ("swf", "Amazon Simple Workflow Service"),
    ("tag", "Amazon Resource Group Tagging API"),
    ("transfer", "AWS Transfer Family"),
    ("trustedadvisor", "AWS Trusted Advisor"),
    ("waf", "AWS WAF"),
    ("wafv2", "AWS WAF V2"),
    ("workspaces", "Amazon WorkSpaces"),
    ("xray", "AWS X-Ray"),
];

/// The name of the service with this prefix: the prefix itself if no name is known, as for registered services.
pub(super) fn service_name(prefix: &str) -> &str {
    NAMES.binary_search_by_key(&prefix, |(known, _)| known).map_or(prefix, |index| NAMES[index].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_found_by_prefix() {
        assert!(NAMES.is_sorted_by_key(|(prefix, _)| prefix));
        assert_eq!(service_name("iam"), "AWS Identity and Access Management");
        assert_eq!(service_name("xray"), "AWS X-Ray");
        assert_eq!(service_name("photos"), "photos");
    }
}
