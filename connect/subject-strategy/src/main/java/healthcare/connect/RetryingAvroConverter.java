package healthcare.connect;

import io.apicurio.registry.rest.client.exception.RestClientException;
import io.apicurio.registry.utils.converter.AvroConverter;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.errors.RetriableException;

/**
 * The Avro converter, except that a registry which does not answer is a reason to wait and not to fail: Connect repeats a
 * {@link RetriableException} for as long as the connector's {@code errors.retry.timeout} says. A refusal of the registry
 * (an incompatible schema) fails the task at once, as before.
 */
public class RetryingAvroConverter<T> extends AvroConverter<T> {
  @Override
  public byte[] fromConnectData(String topic, Headers headers, Schema schema, Object value) {
    try {
      return super.fromConnectData(topic, headers, schema, value);
    } catch (RuntimeException e) {
      throw retriable(e);
    }
  }

  @Override
  public SchemaAndValue toConnectData(String topic, Headers headers, byte[] value) {
    try {
      return super.toConnectData(topic, headers, value);
    } catch (RuntimeException e) {
      throw retriable(e);
    }
  }

  private static RuntimeException retriable(RuntimeException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof RestClientException answer && isSilence(answer)) {
        return new RetriableException("the schema registry does not answer: " + e.getMessage(), e);
      }
    }
    return e;
  }

  /** The client makes an error without a code of a connection that failed. */
  private static boolean isSilence(RestClientException answer) {
    Integer code = answer.getError() == null ? null : answer.getError().getErrorCode();
    return code == null || code >= 500;
  }
}
